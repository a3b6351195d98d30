package catalog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
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
// in place of what was there. A table that is in metadb.target_table but whose
// relations somebody has dropped is left out: the next event makes it again.
func (s *Store) Load(ctx context.Context, db Querier) error {
	l := &loader{db: db, byName: map[change.Table]*Table{}, byMain: map[uint32]*Table{}}
	for _, step := range []func(context.Context) error{
		l.tables, l.parents, l.columns, l.renamed, l.keys, l.feeds, l.carried, l.outdated, l.years, l.sequences, l.guards,
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("load the catalog: %w", err)
		}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.current.Store(NewSnapshot(l.found...))
	return nil
}

// loader collects the tables while they are read.
type loader struct {
	db     Querier
	found  []*Table
	byName map[change.Table]*Table
	// byMain finds a table by the object identifier of its main table.
	byMain map[uint32]*Table
	// keyNames are the key's columns as metadb.target_table names them.
	keyNames map[*Table][]string
}

// mains returns the object identifiers of the main tables.
func (l *loader) mains() []uint32 {
	oids := make([]uint32, 0, len(l.byMain))
	for oid := range l.byMain {
		oids = append(oids, oid)
	}
	return oids
}

// A table whose data source has been dropped belongs to none, until a source
// of that name is created again or another one takes it over.
const tablesSQL = `
	SELECT t.schema_name, t.table_name, t.stored_schema, t.current_table, t.main_table, t.history_table, t.sync_table,
			t.key_columns, t.last_end, coalesce(s.name, ''), c.oid, t.mapped,
			coalesce(tr.lsn, 0), tr.truncated_at
		FROM metadb.target_table AS t
			JOIN metadb.base_table AS b ON b.schema_name = t.stored_schema AND b.table_name = t.current_table
			LEFT JOIN metadb.source AS s ON s.name = b.source_name
			LEFT JOIN (SELECT schema_name, table_name, max(lsn) AS lsn, max(truncated_at) AS truncated_at FROM metadb.truncation GROUP BY 1, 2) AS tr
				ON tr.schema_name = t.schema_name AND tr.table_name = t.table_name
			JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.stored_schema
			JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.main_table AND c.relkind = 'p'
		ORDER BY t.schema_name, t.table_name`

func (l *loader) tables(ctx context.Context) error {
	rows, err := l.db.Query(ctx, tablesSQL)
	if err != nil {
		return fmt.Errorf("tables: %w", err)
	}
	l.keyNames = map[*Table][]string{}
	var name change.Table
	var schema, current, main, history, sync, source, mapped string
	var key []string
	var lastEnd, truncated *time.Time
	var lsn int64
	var oid uint32
	targets := []any{&name.Schema, &name.Name, &schema, &current, &main, &history, &sync, &key, &lastEnd, &source, &oid, &mapped, &lsn, &truncated}
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
		l.found = append(l.found, t)
		l.byName[name], l.byMain[oid], l.keyNames[t] = t, t, key
		key = nil
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
		if t := l.byName[name]; t != nil {
			t.Parent = parent
		} else if p := l.byName[parent]; p != nil {
			// Somebody has dropped it: it is not complete any more.
			p.Mapped = ""
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
		if t := l.byName[name]; t != nil {
			t.Feeds[change.Origin(origin)] = feed
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("feeds: %w", err)
	}
	return nil
}

const yearsSQL = `
	SELECT history.inhparent, year.relname
		FROM pg_catalog.pg_inherits AS history
			JOIN pg_catalog.pg_inherits AS part ON part.inhparent = history.inhrelid
			JOIN pg_catalog.pg_class AS year ON year.oid = part.inhrelid
		WHERE history.inhparent = ANY($1)`

// years finds the years of history by the names of the partitions.
func (l *loader) years(ctx context.Context) error {
	rows, err := l.db.Query(ctx, yearsSQL, l.mains())
	if err != nil {
		return fmt.Errorf("years: %w", err)
	}
	var oid uint32
	var name string
	_, err = pgx.ForEachRow(rows, []any{&oid, &name}, func() error {
		t := l.byMain[oid]
		year, err := strconv.Atoi(name[strings.LastIndexByte(name, '_')+1:])
		if err != nil || t.Year(year).Name != ident.Name(name) {
			return fmt.Errorf("table %s: %s is no partition that Metadb made", t.Name, name)
		}
		t.Years = append(t.Years, year)
		return nil
	})
	if err != nil {
		return fmt.Errorf("years: %w", err)
	}
	for _, t := range l.found {
		slices.Sort(t.Years)
	}
	return nil
}

const sequencesSQL = `
	SELECT d.refobjid, n.nspname, c.relname
		FROM pg_catalog.pg_depend AS d
			JOIN pg_catalog.pg_class AS c ON c.oid = d.objid AND c.relkind = 'S'
			JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		WHERE d.refobjid = ANY($1) AND d.deptype = 'i'
			AND d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass`

func (l *loader) sequences(ctx context.Context) error {
	rows, err := l.db.Query(ctx, sequencesSQL, l.mains())
	if err != nil {
		return fmt.Errorf("sequences: %w", err)
	}
	var oid uint32
	var schema, name string
	_, err = pgx.ForEachRow(rows, []any{&oid, &schema, &name}, func() error {
		l.byMain[oid].Sequence = ident.Qualified{Schema: ident.Name(schema), Name: ident.Name(name)}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sequences: %w", err)
	}
	return nil
}

const guardsSQL = `
	SELECT DISTINCT part.inhparent
		FROM pg_catalog.pg_inherits AS part
			JOIN pg_catalog.pg_class AS c ON c.oid = part.inhrelid AND c.relkind = 'r'
			JOIN pg_catalog.pg_index AS i ON i.indrelid = c.oid AND i.indisunique AND i.indisvalid
		WHERE part.inhparent = ANY($1)`

func (l *loader) guards(ctx context.Context) error {
	rows, err := l.db.Query(ctx, guardsSQL, l.mains())
	if err != nil {
		return fmt.Errorf("unique indexes: %w", err)
	}
	var oid uint32
	_, err = pgx.ForEachRow(rows, []any{&oid}, func() error {
		l.byMain[oid].Guarded = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("unique indexes: %w", err)
	}
	return nil
}
