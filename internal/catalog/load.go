package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/ident"
)

// Querier is what loading needs: a connection, pool or transaction. The
// queries are made one after the other; a transaction that is repeatable read
// makes them one view.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Load reads every target table from the database and makes them the snapshot,
// in place of what was there. A table whose relations somebody has dropped, all of
// them, is left out: the next event makes it again. One that can't be understood has
// a [Fault]; no table keeps another one from being read.
func (s *Store) Load(ctx context.Context, db Querier) error {
	found, err := read(ctx, db)
	if err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.current.Store(NewSnapshot(found...))
	return nil
}

// Faults reads what is wrong with tables in the database, which is not in a store
// yet.
func Faults(ctx context.Context, db Querier) (map[change.Table]*Fault, error) {
	found, err := read(ctx, db)
	if err != nil {
		return nil, err
	}
	faults := make(map[change.Table]*Fault)
	for _, t := range found {
		if t.Fault != nil {
			faults[t.Name] = t.Fault
		}
	}
	return faults, nil
}

// read reads every target table.
func read(ctx context.Context, db Querier) ([]*Table, error) {
	l := &loader{db: db, byName: map[change.Table]*entry{}, byMain: map[uint32]*entry{}, byRelation: map[uint32]relationOf{}}
	for _, step := range []func(context.Context) error{
		l.tables, l.relations, l.parents, l.columns, l.renamed, l.keys, l.feeds, l.carried, l.outdated, l.years, l.sequences, l.keyIndexes,
	} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("load the catalog: %w", err)
		}
	}
	found := make([]*Table, 0, len(l.found))
	for _, e := range l.found {
		if !e.gone {
			found = append(found, e.table)
		}
	}
	return found, nil
}

// loader collects the tables while they are read.
type loader struct {
	db     Querier
	found  []*entry
	byName map[change.Table]*entry
	// byMain finds a table by the object identifier of its main table, if that
	// is one; byRelation by any of the relations that it has from the beginning.
	byMain     map[uint32]*entry
	byRelation map[uint32]relationOf
}

// entry is a table while it is read.
type entry struct {
	table *Table
	// key and own are the key's columns, by their names at the source, and the
	// stored names of those that Metadb made, as metadb.target_table has them.
	key, own []string
	// history and current are object identifiers, 0 where the relation is not
	// there.
	history, current uint32
	// gone says that none of the relations is there.
	gone bool
}

// fail notes what is wrong with the table: the first thing that is found.
func (e *entry) fail(f *Fault) {
	if e.table.Fault == nil {
		e.table.Fault = f
	}
}

// mains returns the object identifiers of the main tables.
func (l *loader) mains() []uint32 { return slices.Collect(maps.Keys(l.byMain)) }

// A table whose data source has been dropped belongs to none, until a source
// of that name is created again or another one takes it over.
const tablesSQL = `
	SELECT t.schema_name, t.table_name, t.stored_schema, t.current_table, t.main_table, t.history_table, t.sync_table,
			t.key_columns, t.own_columns, t.last_end, coalesce(s.name, ''), t.mapped,
			coalesce(tr.lsn, 0), tr.truncated_at
		FROM metadb.target_table AS t
			JOIN metadb.base_table AS b ON b.schema_name = t.stored_schema AND b.table_name = t.current_table
			LEFT JOIN metadb.source AS s ON s.name = b.source_name
			LEFT JOIN (SELECT schema_name, table_name, max(lsn) AS lsn, max(truncated_at) AS truncated_at FROM metadb.truncation GROUP BY 1, 2) AS tr
				ON tr.schema_name = t.schema_name AND tr.table_name = t.table_name
		ORDER BY t.schema_name, t.table_name`

func (l *loader) tables(ctx context.Context) error {
	rows, err := l.db.Query(ctx, tablesSQL)
	if err != nil {
		return fmt.Errorf("tables: %w", err)
	}
	var name change.Table
	var schema, current, main, history, sync, source, mapped string
	var key, own []string
	var lastEnd, truncated *time.Time
	var lsn int64
	targets := []any{&name.Schema, &name.Name, &schema, &current, &main, &history, &sync, &key, &own, &lastEnd, &source, &mapped, &lsn, &truncated}
	_, err = pgx.ForEachRow(rows, targets, func() error {
		t := NewTable(name, source)
		in := func(relation string) ident.Qualified {
			return ident.Qualified{Schema: ident.Name(schema), Name: ident.Name(relation)}
		}
		t.Current, t.Main, t.History, t.Sync = in(current), in(main), in(history), in(sync)
		t.Guarded = false
		t.Mapped = mapped
		if lastEnd != nil {
			t.LastEnd = change.Micros(lastEnd.UnixMicro())
		}
		if truncated != nil {
			t.Truncated = Truncated{LSN: uint64(lsn), Time: change.Micros(truncated.UnixMicro())}
		}
		e := &entry{table: t, key: key, own: own}
		l.found = append(l.found, e)
		l.byName[name] = e
		key, own = nil, nil
		return nil
	})
	if err != nil {
		return fmt.Errorf("tables: %w", err)
	}
	return nil
}

const parentsSQL = `
	SELECT t.schema_name, t.table_name, p.schema_name, p.table_name
		FROM metadb.target_table AS t
			JOIN metadb.base_table AS b ON b.schema_name = t.stored_schema AND b.table_name = t.current_table
			JOIN metadb.target_table AS p ON p.stored_schema = b.parent_schema_name AND p.current_table = b.parent_table_name
		WHERE b.transformed`

// parents finds the tables that others are transformed from.
func (l *loader) parents(ctx context.Context) error {
	rows, err := l.db.Query(ctx, parentsSQL)
	if err != nil {
		return fmt.Errorf("transformed tables: %w", err)
	}
	var name, parent change.Table
	_, err = pgx.ForEachRow(rows, []any{&name.Schema, &name.Name, &parent.Schema, &parent.Name}, func() error {
		e := l.byName[name]
		switch {
		case e == nil:
		case !e.gone:
			e.table.Parent = parent
		default:
			// Somebody has dropped it: its parent is not complete any more.
			if p := l.byName[parent]; p != nil {
				p.table.Mapped = ""
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("transformed tables: %w", err)
	}
	return nil
}

const feedsSQL = `
	SELECT schema_name, table_name, origin, source_schema, source_table
		FROM metadb.table_feed`

func (l *loader) feeds(ctx context.Context) error {
	rows, err := l.db.Query(ctx, feedsSQL)
	if err != nil {
		return fmt.Errorf("feeds: %w", err)
	}
	var name, feed change.Table
	var origin string
	_, err = pgx.ForEachRow(rows, []any{&name.Schema, &name.Name, &origin, &feed.Schema, &feed.Name}, func() error {
		if e := l.byName[name]; e != nil {
			e.table.Feeds[change.Origin(origin)] = feed
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("feeds: %w", err)
	}
	return nil
}
