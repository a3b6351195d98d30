package apply

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
	"metadb/internal/target/rejected"
)

// If a connector is interrupted it begins its snapshot again, in a new attempt. Rows that the
// earlier attempt has confirmed do not count any more, in any table of the source. Emptying the
// sync tables would take a lock and a new file for each, for thousands of tables in one
// transaction. So one row of metadb.confirmed_since has the transaction from which on confirmations
// count: that of the batch in which the later attempt was first noticed.
//
// Changes that were committed after the beginning of that attempt may have been applied before that
// batch, where topics are read in any order. Their confirmations count. They are kept in
// metadb.confirmed_change for a while, and are inserted again.

// storeSnapshots stores the progress of snapshots that the batch has, before its rows are written.
func (r *batchTx) storeSnapshots(ctx context.Context) error {
	for table, news := range r.batch.Snapshots {
		s := Snapshot{r.batch.Source, table}
		if news.NewAttempt || news.KeepsConfirmed {
			if err := r.voidConfirmed(ctx, s, news); err != nil {
				return fmt.Errorf("begin to count what an attempt of the snapshot confirms: %w", err)
			}
		}
		if err := StoreSnapshot(ctx, r.tx, s, news); err != nil {
			return err
		}
	}
	return nil
}

// voidConfirmed makes only those confirmations count that come from the snapshot's later attempt,
// and from changes after its beginning. In an initial synchronization all rows of the table count
// as confirmed, until that can't hold any more: rows may come from an earlier attempt, or from
// changes before all attempts.
func (r *batchTx) voidConfirmed(ctx context.Context, s Snapshot, news change.SnapshotProgress) error {
	var initial, adopts bool
	err := r.tx.QueryRow(ctx, `
SELECT s.sync = 1,
       coalesce(r.attempt_time, 'epoch') = 'epoch' AND (coalesce(r.adopts_attempt, false)
       OR s.sync = 1 AND EXISTS (SELECT FROM metadb.initial_adopts_attempt a WHERE a.source_name = s.name))
  FROM metadb.source s LEFT JOIN metadb.resync r ON r.source_name = s.name AND r.schema_name = $2 AND r.table_name = $3
 WHERE s.name = $1`, s.Source, s.Table.Schema, s.Table.Name).Scan(&initial, &adopts)
	if err != nil {
		return err
	}
	void := news.NewAttempt && !adopts && (!initial || news.KeepsConfirmed || r.keepsConfirmed)
	if initial && (void || news.KeepsConfirmed) {
		if err := r.keepConfirmed(ctx, s, void); err != nil {
			return err
		}
	}
	if !void {
		return nil
	}
	const begin = "INSERT INTO metadb.confirmed_since (source_name, schema_name, table_name) VALUES ($1, $2, $3)"
	if _, err := r.tx.Exec(ctx, begin, s.Source, s.Table.Schema, s.Table.Name); err != nil {
		return err
	}
	if err := rejected.MarkUndatedUnconfirmed(ctx, r.tx, s.Source, s.Table); err != nil {
		return err
	}
	return r.reconfirmChanges(ctx, s, news.Attempts.Current)
}

// keepConfirmed makes an initial synchronization keep the ids of confirmed rows from now on.
// Existing rows count as confirmed, unless void is set.
func (r *batchTx) keepConfirmed(ctx context.Context, s Snapshot, void bool) error {
	r.keepsConfirmed = true
	_, err := r.tx.Exec(ctx, `
INSERT INTO metadb.resync AS r (source_name, keeps_confirmed) VALUES ($1, true)
ON CONFLICT (source_name, schema_name, table_name) DO UPDATE SET keeps_confirmed = true`, s.Source)
	if err != nil {
		return err
	}
	if void {
		_, err = r.tx.Exec(ctx, "DELETE FROM metadb.confirmed_floor WHERE source_name = $1", s.Source)
		return err
	}
	_, err = r.tx.Exec(ctx, `
INSERT INTO metadb.confirmed_floor (source_name, schema_name, table_name, id)
SELECT DISTINCT f.source_name, f.schema_name, f.table_name,
       coalesce(pg_sequence_last_value(pg_get_serial_sequence(format('%I.%I', t.stored_schema, t.main_table), '__id')::regclass), 0)
  FROM metadb.table_feed f JOIN metadb.target_table t USING (schema_name, table_name)
 WHERE f.source_name = $1 AND to_regclass(format('%I.%I', t.stored_schema, t.main_table)) IS NOT NULL
ON CONFLICT DO NOTHING`, s.Source)
	return err
}

// reconfirmChanges confirms again the rows that were confirmed by changes which were committed
// after an attempt's beginning, and applied before it was noticed.
func (r *batchTx) reconfirmChanges(ctx context.Context, s Snapshot, attempt change.Attempt) error {
	rows, err := r.tx.Query(ctx, `
SELECT DISTINCT c.sync_table::text FROM metadb.confirmed_change c JOIN pg_catalog.pg_class k ON k.oid = c.sync_table
 WHERE c.source_name = $1 AND (c.lsn >= $2 OR c.changed_at >= $3)
   AND ($4 = '' OR c.sync_table = (SELECT to_regclass(format('%I.%I', t.stored_schema, t.sync_table))
                                     FROM metadb.target_table t WHERE t.schema_name = $5 AND t.table_name = $4))`,
		s.Source, int64(attempt.LSN), attempt.Time.UTC(), s.Table.Name, s.Table.Schema)
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, table := range tables { // names that PostgreSQL has quoted
		_, err := r.tx.Exec(ctx, "INSERT INTO "+table+` (__id) SELECT DISTINCT id FROM metadb.confirmed_change
 WHERE source_name = $1 AND sync_table = $2::text::regclass AND (lsn >= $3 OR changed_at >= $4)`,
			s.Source, table, int64(attempt.LSN), attempt.Time.UTC())
		if err != nil {
			return err
		}
	}
	return nil
}

// noteConfirmedChanges stores which of the confirmed rows were confirmed by streamed changes.
func (r *batchTx) noteConfirmedChanges(ctx context.Context, t *catalog.Table, confirmed []history.ConfirmedRow) error {
	var ids, positions []int64
	var times []change.Micros
	for _, c := range confirmed {
		e := &r.batch.Events[c.Event]
		if e.Snapshot == change.Streamed {
			ids, positions, times = append(ids, c.ID), append(positions, int64(max(e.LSN, e.CommittedAfter))), append(times, e.Time)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := r.tx.Exec(ctx, `
INSERT INTO metadb.confirmed_change (source_name, sync_table, id, lsn, changed_at)
SELECT $1, $2::text::regclass, * FROM unnest($3::bigint[], $4::bigint[], $5::timestamptz[])`,
		r.batch.Source, t.Sync.SQL(), ids, positions, pgbinary.Timestamptzs(times))
	if err != nil {
		return fmt.Errorf("keep which rows changes have confirmed: %w", err)
	}
	if r.keepsConfirmed {
		r.outcome.ConfirmedByChange += len(ids)
	}
	return nil
}

// findConfirmed returns those of a table's ids that count as confirmed. In a synchronization that
// keeps no ids, rows that streamed changes have confirmed count too.
func (r *batchTx) findConfirmed(ctx context.Context, t *catalog.Table, ids []int64) (map[int64]bool, error) {
	confirmed := make(map[int64]bool)
	if t.MissingParts.Sync {
		return confirmed, nil
	}
	rows, err := r.tx.Query(ctx, "SELECT i.id FROM unnest($1::bigint[]) AS i (id) WHERE EXISTS (SELECT FROM "+t.Sync.SQL()+` AS s
	WHERE s.__id = i.id AND age(s.xmin) <= (SELECT coalesce(min(age(since::xid)), 2147483647) FROM metadb.confirmed_since
	                                         WHERE source_name = $2 AND (table_name = '' OR schema_name = $3 AND table_name = $4)))
   OR EXISTS (SELECT FROM metadb.confirmed_floor WHERE source_name = $2 AND schema_name = $3 AND table_name = $4 AND id >= i.id)
   OR NOT $5 AND EXISTS (SELECT FROM metadb.confirmed_change AS c WHERE c.source_name = $2 AND c.sync_table = $6::text::regclass AND c.id = i.id)`,
		ids, r.batch.Source, t.Name.Schema, t.Name.Name, r.keepsConfirmed, t.Sync.SQL())
	if err != nil {
		return nil, fmt.Errorf("find confirmed rows: %w", err)
	}
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		confirmed[id] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find confirmed rows: %w", err)
	}
	return confirmed, nil
}

// copyConfirmation confirms the row that replaces another one, if that is confirmed and its
// confirmation counts.
func (r *batchTx) copyConfirmation(ctx context.Context, t *catalog.Table, before, after int64) error {
	_, err := r.tx.Exec(ctx, "INSERT INTO "+t.Sync.SQL()+" (__id) SELECT $2 WHERE EXISTS (SELECT FROM "+t.Sync.SQL()+` AS s
	WHERE s.__id = $1 AND age(s.xmin) <= (SELECT coalesce(min(age(since::xid)), 2147483647) FROM metadb.confirmed_since
	                                       WHERE source_name = $3 AND (table_name = '' OR schema_name = $4 AND table_name = $5)))
   OR EXISTS (SELECT FROM metadb.confirmed_floor WHERE source_name = $3 AND schema_name = $4 AND table_name = $5 AND id >= $1)`,
		before, after, r.batch.Source, t.Name.Schema, t.Name.Name)
	if err != nil {
		return fmt.Errorf("confirm rows: %w", err)
	}
	_, err = r.tx.Exec(ctx, `
INSERT INTO metadb.confirmed_change (source_name, sync_table, id, lsn, changed_at)
SELECT source_name, sync_table, $3, lsn, changed_at FROM metadb.confirmed_change
 WHERE source_name = $4 AND sync_table = $1::text::regclass AND id = $2`, t.Sync.SQL(), before, after, r.batch.Source)
	if err != nil {
		return fmt.Errorf("confirm rows: %w", err)
	}
	return nil
}
