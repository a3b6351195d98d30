package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
)

// endVersions moves versions from the current table to history, and counts them as ended.
func (r *batchTx) endVersions(ctx context.Context, t *tableState, endings []endedVersion) error {
	if len(endings) == 0 {
		return nil
	}
	var last change.Micros
	for _, e := range endings {
		last = max(last, e.end)
	}
	if err := r.moveVersions(ctx, t, endings); err != nil {
		return err
	}
	r.noteEnded(t, len(endings), last)
	return nil
}

// moveVersions moves versions from the current table to history.
func (r *batchTx) moveVersions(ctx context.Context, t *tableState, endings []endedVersion) error {
	if len(endings) == 0 {
		return nil
	}
	ids, ends := make([]int64, len(endings)), make([]time.Time, len(endings))
	places := make([]pgtype.TID, len(endings))
	var starts timeSpan
	for i, e := range endings {
		ids[i], ends[i] = e.id, e.end.UTC()
		places[i] = e.ctid
		starts.extend(e.start)
	}
	// There are two statements because DELETE … RETURNING into INSERT copies every row once more,
	// which costs more than a second lookup.
	current := t.table.Current.SQL()
	move := "INSERT INTO " + historyRelation(t.table, starts).SQL() + " (" + metaColumns() + storedColumns(t.table, "") + ")" +
		" SELECT c.__id, c.__start, e.at, false, c.__origin" + storedColumns(t.table, "c.") +
		" FROM unnest($1::bigint[], $2::timestamptz[], $3::tid[]) AS e (id, at, place) JOIN " + current + " AS c ON c.ctid = e.place AND c.__id = e.id"
	moved, err := r.tx.Exec(ctx, move, ids, ends, places)
	if err != nil {
		return fmt.Errorf("end rows: %w", err)
	}
	gone, err := r.tx.Exec(ctx, "DELETE FROM "+current+" AS c USING unnest($1::bigint[], $2::tid[]) AS e (id, place) WHERE c.ctid = e.place AND c.__id = e.id", ids, places)
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
func historyRelation(t *catalog.Table, starts timeSpan) ident.Qualified {
	if yearOf(starts.first) != yearOf(starts.last) || !t.OwnsYear(yearOf(starts.first)) {
		return t.History
	}
	return t.Year(yearOf(starts.first))
}

// timeSpan is the range from the first to the last of some times.
type timeSpan struct {
	isSet       bool
	first, last change.Micros
}

func (s *timeSpan) extend(at change.Micros) {
	if !s.isSet {
		*s = timeSpan{true, at, at}
	}
	s.first, s.last = min(s.first, at), max(s.last, at)
}

// goneColumns lists the columns of the query "gone", with deleted rows, under generated names,
// because a table's column can have any name.
func goneColumns(t *catalog.Table) string {
	return "ord, id, began, ended, origin" + stagedColumns(t, "")
}

// moveToHistorySQL returns the end of a statement, which inserts the rows of "gone" into history.
func moveToHistorySQL(t *catalog.Table) string {
	return "INSERT INTO " + t.History.SQL() + " (" + metaColumns() + storedColumns(t, "") + ")" +
		" SELECT id, began, ended, false, origin" + stagedColumns(t, "") + " FROM gone"
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
