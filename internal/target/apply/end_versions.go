package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
)

// endVersions moves versions from the current table to history, and counts them as ended.
func (r *batchTx) endVersions(ctx context.Context, t *tableState, endings []history.EndedVersion) error {
	if len(endings) == 0 {
		return nil
	}
	var last change.Micros
	for _, e := range endings {
		last = max(last, e.End)
	}
	if err := r.moveVersions(ctx, t, endings); err != nil {
		return err
	}
	r.noteEnded(t, len(endings), last)
	return nil
}

// moveVersions moves versions from the current table to history.
func (r *batchTx) moveVersions(ctx context.Context, t *tableState, endings []history.EndedVersion) error {
	if len(endings) == 0 {
		return nil
	}
	ids, ends := make([]int64, len(endings)), make([]time.Time, len(endings))
	places := make([]pgtype.TID, len(endings))
	var starts history.TimeSpan
	for i, e := range endings {
		ids[i], ends[i] = e.ID, e.End.UTC()
		places[i] = tidOf(e.CTID)
		starts.Extend(e.Start)
	}
	moved, err := r.tx.Exec(ctx, sqlgen.InsertEnded(t.table, historyRelation(t.table, starts)), ids, ends, places)
	if err != nil {
		return fmt.Errorf("end rows: %w", err)
	}
	gone, err := r.tx.Exec(ctx, sqlgen.DeleteEnded(t.table), ids, places)
	if err != nil {
		return fmt.Errorf("end rows: %w", err)
	}
	if n := int64(len(endings)); moved.RowsAffected() != n || gone.RowsAffected() != n {
		return ErrRowGone
	}
	return nil
}

// historyRelation returns the relation to insert ended rows into: the partition of their year if
// they share one, which saves PostgreSQL from routing each row.
func historyRelation(t *catalog.Table, starts history.TimeSpan) ident.Qualified {
	if history.YearOf(starts.First) != history.YearOf(starts.Last) || !t.OwnsYear(history.YearOf(starts.First)) {
		return t.History
	}
	return t.Year(history.YearOf(starts.First))
}

// noteEnded counts ended versions. last is the latest of their ends.
func (r *batchTx) noteEnded(t *tableState, versions int, last change.Micros) {
	r.outcome.Ended += versions
	if last > t.table.LastEnd {
		table := *t.table
		table.LastEnd = last
		t.table, t.changed, t.lastEndChanged = &table, true, true
	}
}

// storeLastEnds stores LastEnd of the tables in which it has changed.
func (r *batchTx) storeLastEnds(ctx context.Context) error {
	var schemas, names []string
	var ends []time.Time
	for _, t := range r.finishedTables {
		if t.lastEndChanged {
			schemas, names = append(schemas, t.table.Name.Schema), append(names, t.table.Name.Name)
			ends = append(ends, t.table.LastEnd.UTC())
		}
	}
	if len(ends) == 0 {
		return nil
	}
	_, err := r.tx.Exec(ctx, `
		UPDATE metadb.target_table t SET last_end = e.last_end
			FROM unnest($1::text[], $2::text[], $3::timestamptz[]) e (schema_name, table_name, last_end)
			WHERE t.schema_name = e.schema_name AND t.table_name = e.table_name`, schemas, names, ends)
	if err != nil {
		return fmt.Errorf("store when versions last ended: %w", err)
	}
	return nil
}
