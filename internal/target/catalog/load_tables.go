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

// Querier is the interface that loading needs: a connection, pool or transaction. The queries run
// one after the other; only a repeatable-read transaction makes them one view.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Load reads every target table from the database and replaces the snapshot. A table without main,
// current and history relation is left out, and the next event creates it again. A table that can't
// be used has a [Fault]; it does not keep the others from loading.
func (s *Store) Load(ctx context.Context, db Querier) error {
	found, err := readTables(ctx, db)
	if err != nil {
		return err
	}
	s.publishMu.Lock()
	defer s.publishMu.Unlock()
	s.current.Store(NewSnapshot(found...))
	return nil
}

// Faults reads the faults of the tables in the database, without changing a store.
func Faults(ctx context.Context, db Querier) (map[change.Table]*Fault, error) {
	found, err := readTables(ctx, db)
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

// readTables reads every target table.
func readTables(ctx context.Context, db Querier) ([]*Table, error) {
	l := &catalogLoader{db: db, byName: map[change.Table]*loadedTable{}, byMain: map[uint32]*loadedTable{}, byRelation: map[uint32]tableRelation{}}
	for _, step := range []func(context.Context) error{
		l.loadTables, l.loadRelations, l.loadParents, l.loadColumns, l.loadSourceNames, l.resolveKeys, l.loadFeeds, l.loadCarried, l.loadOutdated, l.loadYears, l.loadSequences, l.loadKeyIndexes,
	} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("load the catalog: %w", err)
		}
	}
	found := make([]*Table, 0, len(l.found))
	for _, e := range l.found {
		if !e.dropped {
			found = append(found, e.table)
		}
	}
	return found, nil
}

// catalogLoader collects the tables while they are read.
type catalogLoader struct {
	db     Querier
	found  []*loadedTable
	byName map[change.Table]*loadedTable
	// byMain finds a table by the object identifier of its main table, where that is a partitioned
	// table; byRelation finds it by any relation that it was created with.
	byMain     map[uint32]*loadedTable
	byRelation map[uint32]tableRelation
}

// loadedTable is a table while the catalog is loaded.
type loadedTable struct {
	table *Table
	// keyNames has the key's columns by their names at the source, ownColumns the stored names of the columns
	// that Metadb created, both from metadb.target_table.
	keyNames, ownColumns []string
	// historyOID and currentOID are object identifiers, 0 for a relation that does not exist.
	historyOID, currentOID uint32
	// dropped marks a table without main, current and history relation.
	dropped bool
}

// setFault sets the table's fault, unless an earlier step has set one.
func (e *loadedTable) setFault(f *Fault) {
	if e.table.Fault == nil {
		e.table.Fault = f
	}
}

// mainOIDs returns the object identifiers of the main tables.
func (l *catalogLoader) mainOIDs() []uint32 { return slices.Collect(maps.Keys(l.byMain)) }

// A table of a dropped data source has an empty source name, until a source of that name is created
// again or another source takes the table over.
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

func (l *catalogLoader) loadTables(ctx context.Context) error {
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
		t.UniqueKey = false
		t.MappingFingerprint = mapped
		if lastEnd != nil {
			t.LastEnd = change.Micros(lastEnd.UnixMicro())
		}
		if truncated != nil {
			t.TruncateBounds = TruncateBounds{LSN: uint64(lsn), Time: change.Micros(truncated.UnixMicro())}
		}
		e := &loadedTable{table: t, keyNames: key, ownColumns: own}
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

// loadParents finds the tables that others are transformed from.
func (l *catalogLoader) loadParents(ctx context.Context) error {
	rows, err := l.db.Query(ctx, parentsSQL)
	if err != nil {
		return fmt.Errorf("transformed tables: %w", err)
	}
	var name, parent change.Table
	_, err = pgx.ForEachRow(rows, []any{&name.Schema, &name.Name, &parent.Schema, &parent.Name}, func() error {
		e := l.byName[name]
		switch {
		case e == nil:
		case !e.dropped:
			e.table.Parent = parent
		default:
			// The transformed table was dropped by hand: its parent is no longer complete.
			if p := l.byName[parent]; p != nil {
				p.table.MappingFingerprint = ""
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

func (l *catalogLoader) loadFeeds(ctx context.Context) error {
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
