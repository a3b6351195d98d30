package apply

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// overtakenTruncate has the versions that a truncate ends or splits if it is applied after changes
// that follow it at the source.
type overtakenTruncate struct {
	// beforeIDs are the ids of versions that began at the truncate's time, and before it.
	beforeIDs []int64
	// reinsertedRows are rows of versions that the truncate ends and that were inserted again after
	// it.
	reinsertedRows []reinsertedRow
}

// reinsertedRow is a row that was inserted again with the same values.
type reinsertedRow struct {
	row change.Row
	// RowPosition is the position of the insert. The first insert makes a version; inserts that
	// follow a truncate which is still to come find that version.
	history.RowPosition
	// endedAt is the end of the version that the insert continues, history.MaxTime if it is current.
	endedAt change.Micros
	// confirmed is set if a resynchronization has confirmed the version, and so the row that was
	// inserted again.
	confirmed bool
}

// findOvertakenRows finds the versions that an overtaken truncate ends or splits.
func (r *batchTx) findOvertakenRows(ctx context.Context, t *tableState, e *change.Event) (overtakenTruncate, error) {
	var found overtakenTruncate
	if e.LSN == 0 {
		return found, nil // the truncate has no order among the changes
	}
	positions, err := r.loadTruncatePositions(ctx, t, e)
	if err != nil || len(positions) == 0 {
		return found, err
	}
	again := make(map[int64][]history.RowPosition)
	for _, p := range positions {
		switch {
		case !p.Reinserts && p.LSN < e.LSN:
			found.beforeIDs = append(found.beforeIDs, p.ID)
		case p.Reinserts && p.LSN > e.LSN:
			again[p.ID] = append(again[p.ID], p)
		}
	}
	if len(again) == 0 {
		return found, nil
	}
	found.reinsertedRows, err = r.readReinserted(ctx, t, e, found.beforeIDs, again)
	return found, err
}

// readReinserted reads the rows of versions that the truncate ends and that were inserted again.
func (r *batchTx) readReinserted(ctx context.Context, t *tableState, e *change.Event, before []int64, again map[int64][]history.RowPosition) ([]reinsertedRow, error) {
	ids := make([]int64, 0, len(again))
	for id := range again {
		ids = append(ids, id)
	}
	// The values are copied into the table later, and COPY takes them in binary.
	result, err := r.tx.Query(ctx, sqlgen.ReinsertedRows(t.table), pgx.QueryResultFormats{pgx.BinaryFormatCode}, ids, e.Time.UTC(), before, string(e.Origin))
	if err != nil {
		return nil, fmt.Errorf("read rows that were inserted again: %w", err)
	}
	var rows []reinsertedRow
	for result.Next() {
		values := result.RawValues()
		row := reinsertedRow{endedAt: pgbinary.ReadTimestamptz(values[1])}
		for _, value := range values[2:] {
			if value == nil {
				row.row = change.AppendNull(row.row)
			} else {
				row.row = change.AppendValue(row.row, value)
			}
		}
		positions := again[int64(binary.BigEndian.Uint64(values[0]))]
		for _, row.RowPosition = range insertsUntil(positions, row.endedAt) {
			rows = append(rows, row)
		}
	}
	if err := result.Err(); err != nil {
		return nil, fmt.Errorf("read rows that were inserted again: %w", err)
	}
	confirmed, err := r.findConfirmed(ctx, t.table, ids)
	for i := range rows {
		rows[i].confirmed = confirmed[rows[i].ID]
	}
	return rows, err
}

// insertsUntil returns the inserts of a row in their order, without those at or after the end of
// its version: they belong to another version.
func insertsUntil(inserts []history.RowPosition, ended change.Micros) []history.RowPosition {
	slices.SortFunc(inserts, func(p, q history.RowPosition) int { return cmp.Or(cmp.Compare(p.At, q.At), cmp.Compare(p.LSN, q.LSN)) })
	inserts = slices.Compact(inserts)
	if at := slices.IndexFunc(inserts, func(p history.RowPosition) bool { return p.At >= ended }); at >= 0 {
		return inserts[:at]
	}
	return inserts
}

// endOvertakenVersions ends, at the time of an overtaken truncate, the versions that later events
// had ended already, also in the transformed tables.
func (r *batchTx) endOvertakenVersions(ctx context.Context, t *tableState, e *change.Event, before []int64) error {
	if t.table.LastEnd <= e.Time {
		return nil
	}
	histories := []ident.Qualified{t.table.History}
	for _, name := range r.childNames(t.table.Name) {
		if child := r.childState(name); child != nil {
			histories = append(histories, child.table.History)
		}
	}
	for i, relation := range histories {
		if i > 0 {
			before = nil // the ids are those of the table's own versions
		}
		_, err := r.tx.Exec(ctx, sqlgen.TruncateOvertaken(relation),
			string(e.Origin), e.Time.UTC(), before)
		if err != nil {
			return fmt.Errorf("truncate: %w", err)
		}
	}
	return nil
}

// reinsertRows applies the inserts that follow an overtaken truncate and had found their rows with
// the same values. Each of them makes a version now.
func (r *batchTx) reinsertRows(ctx context.Context, t *tableState, e *change.Event, rows []reinsertedRow) error {
	if len(rows) == 0 {
		return nil
	}
	shape := &change.Shape{Key: t.table.Key}
	for i := range t.table.Columns {
		shape.Columns = append(shape.Columns, t.table.Columns[i].Column)
	}
	events, late := make([]change.Event, len(rows)), make(map[change.Position]*change.RejectedEvent)
	current := &tableState{}
	*current = *t
	current.events = nil
	for i, row := range rows {
		events[i] = change.Event{
			Op: change.Upsert, Source: e.Source, Table: e.Table, Origin: e.Origin, Time: row.At, LSN: row.LSN, Shape: shape, Row: row.row, Complete: true,
			Partitions: 2, Created: true, Confirm: row.confirmed && row.endedAt == history.MaxTime,
			Position: change.Position{Partition: change.Partition{Topic: e.Position.Partition.Topic, Number: history.None}, Offset: int64(i)},
		}
		if row.endedAt == history.MaxTime {
			current.events = append(current.events, i)
		} else {
			late[events[i].Position] = &change.RejectedEvent{SupersededAt: &rows[i].endedAt}
		}
	}
	sub := *r
	sub.batch, sub.retried = &change.Batch{Source: r.batch.Source, Events: events}, nil
	for _, c := range history.SplitChunks(current.target(), current.events, events) {
		if err := sub.writeChunk(ctx, current, c); err != nil {
			return err
		}
	}
	sub.retried, sub.reinserting = late, true
	for i := range events {
		if late[events[i].Position] == nil {
			continue
		}
		if err := sub.insertLate(ctx, current, history.SplitChunks(current.target(), []int{i}, events)[0]); err != nil {
			return err
		}
	}
	batch, retried, events0 := r.batch, r.retried, t.events
	sub.reinserting = false
	*r, *t = sub, *current
	r.batch, r.retried, t.events = batch, retried, events0
	return nil
}
