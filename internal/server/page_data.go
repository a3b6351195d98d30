package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/observe/monitor"
	"metadb/internal/target/pgcode"
)

// pageData reads the page's data about tables and rejected events. It returns monitor.ErrNotNow if
// it would wait for a lock for more than 100 ms.
func (s *supervisor) pageData(ctx context.Context) (monitor.PageData, error) {
	d := monitor.PageData{Tables: []monitor.Table{}, Rejected: []monitor.Rejected{}}
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error {
		const patience = "SET LOCAL lock_timeout = '100ms'; SET LOCAL statement_timeout = '15s'"
		if _, err := tx.Exec(ctx, patience); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&d.Bytes); err != nil {
			return fmt.Errorf("read the size of the database: %w", err)
		}
		if err := s.loadTableData(ctx, tx, &d); err != nil {
			return fmt.Errorf("read about the tables: %w", err)
		}
		if err := loadRejectedData(ctx, tx, &d); err != nil {
			return fmt.Errorf("read about rejected events: %w", err)
		}
		return nil
	})
	var refused *pgconn.PgError
	switch {
	case err == nil:
		return d, nil
	case !errors.As(err, &refused):
		return d, fmt.Errorf("the database does not answer: %w", err)
	case pgcode.IsLockTimeout(err):
		return d, monitor.ErrNotNow
	}
	return d, err
}

// tablesDetailSQL selects each table and its partitions. The row counts are those of the
// cumulative statistics, or, if these are 0, as after a crash, the estimate of ANALYZE.
const tablesDetailSQL = `
SELECT t.schema_name, t.table_name, t.stored_schema || '.' || t.current_table, b.source_name,
       CASE WHEN b.transformed THEN b.parent_schema_name || '.' || b.parent_table_name ELSE '' END,
       t.last_end, now.tuples, past.tuples, coalesce(now.bytes, 0) + past.bytes
  FROM metadb.target_table t
  JOIN metadb.base_table b ON b.schema_name = t.stored_schema AND b.table_name = t.current_table
  JOIN pg_catalog.pg_namespace n ON n.nspname = t.stored_schema
  JOIN LATERAL (
       SELECT coalesce(nullif(pg_stat_get_live_tuples(c.oid), 0), greatest(c.reltuples, 0)::bigint) AS tuples, pg_total_relation_size(c.oid) AS bytes
         FROM pg_catalog.pg_class c
        WHERE c.relnamespace = n.oid AND c.relname = t.current_table) now ON true
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(coalesce(nullif(pg_stat_get_live_tuples(y.oid), 0), greatest(y.reltuples, 0)::bigint)), 0)::bigint AS tuples,
              coalesce(sum(pg_total_relation_size(y.oid)), 0)::bigint AS bytes
         FROM pg_catalog.pg_class h
         JOIN pg_catalog.pg_inherits i ON i.inhparent = h.oid
         JOIN pg_catalog.pg_class y ON y.oid = i.inhrelid
        WHERE h.relnamespace = n.oid AND h.relname = t.history_table) past
 ORDER BY 3`

// loadTableData reads the tables. The time of a table's last change is the later of the time
// since the server's start, from the registry, and the stored end of its last version.
func (s *supervisor) loadTableData(ctx context.Context, tx pgx.Tx, d *monitor.PageData) error {
	changed := make(map[string]time.Time)
	for _, r := range s.registry.Reports() {
		for _, t := range s.registry.Tables(r.Name) {
			changed[t.Name] = t.Changed
		}
	}
	rows, err := tx.Query(ctx, tablesDetailSQL)
	if err != nil {
		return err
	}
	var name change.Table
	var t monitor.Table
	_, err = pgx.ForEachRow(rows, []any{&name.Schema, &name.Name, &t.Name, &t.Source, &t.From, &t.Changed, &t.Current, &t.History, &t.Bytes}, func() error {
		if at := changed[name.String()]; !at.IsZero() && (t.Changed == nil || at.After(*t.Changed)) {
			t.Changed = &at
		}
		d.Tables = append(d.Tables, t)
		t.Changed = nil
		return nil
	})
	return err
}

// loadRejectedData reads rejected events, without reasons and values.
func loadRejectedData(ctx context.Context, tx pgx.Tx, d *monitor.PageData) error {
	rows, err := tx.Query(ctx, "SELECT source_name, kind, count(*) FROM metadb.rejected_event GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2")
	if err != nil {
		return err
	}
	var source string
	var kind monitor.RejectedKind
	_, err = pgx.ForEachRow(rows, []any{&source, &kind.Kind, &kind.Count}, func() error {
		if n := len(d.Rejected); n == 0 || d.Rejected[n-1].Source != source {
			d.Rejected = append(d.Rejected, monitor.Rejected{Source: source, Latest: []monitor.RejectedLatest{}})
		}
		last := &d.Rejected[len(d.Rejected)-1]
		last.Kinds = append(last.Kinds, kind)
		return nil
	})
	if err != nil {
		return err
	}
	const latestSQL = `
SELECT rejected_time, topic, partition, "offset", coalesce(schema_name || '.' || table_name, ''), kind
  FROM metadb.rejected_event WHERE source_name = $1 ORDER BY id DESC LIMIT 5`
	for i := range d.Rejected {
		rows, err := tx.Query(ctx, latestSQL, d.Rejected[i].Source)
		if err != nil {
			return err
		}
		if d.Rejected[i].Latest, err = pgx.CollectRows(rows, pgx.RowToStructByPos[monitor.RejectedLatest]); err != nil {
			return err
		}
	}
	return nil
}
