package apply

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// writeRows ends rows and copies others. The caller has a savepoint around it.
func (s *childReplacement) writeRows(ctx context.Context, sub *batchTx, child *tableState) error {
	if len(s.removed) > 0 {
		if err := s.endRemoved(ctx, sub, child); err != nil {
			return err
		}
	}
	if len(s.added) == 0 {
		return nil
	}
	if err := s.copyAdded(ctx, child); err != nil {
		return err
	}
	sub.outcome.Written += len(s.added)
	return nil
}

// endRemoved moves the removed rows to history, by their keys.
func (s *childReplacement) endRemoved(ctx context.Context, sub *batchTx, child *tableState) error {
	shape := s.shapes.Delete
	arrays := make([][]byte, len(shape.Columns))
	for i, column := range shape.Columns {
		arrays[i] = pgbinary.NewArray(datatype.InfoOf(column.Type).OID, len(s.removed))
	}
	ends, origins := pgbinary.NewArray(pgbinary.TimestamptzOID, len(s.removed)), pgbinary.NewArray(pgbinary.TextOID, len(s.removed))
	var key change.Row
	last := history.MinTime
	for _, row := range s.removed {
		head, end := s.parentEvent(row), s.effects[row.effect].End
		key = s.shapes.AppendKey(appendKeyCells(key[:0], head), s.kept, s.table, int(row.old))
		rest := key
		for i := range arrays {
			var cell change.Cell
			cell, rest = rest.Next()
			arrays[i] = change.AppendCell(arrays[i], cell)
		}
		ends = pgbinary.AppendTimestamptz(ends, end)
		origins = pgbinary.AppendText(origins, string(head.Origin))
		last = max(last, end)
	}
	t := child.table
	from, names, where := "", "", ""
	for i, column := range shape.Columns {
		n := strconv.Itoa(i)
		from += "$" + strconv.Itoa(i+1) + "::" + column.Type.String() + "[], "
		names += "k" + n + ", "
		where += " AND c." + t.Columns[t.Column(column.Name)].Stored.SQL() + " = e.k" + n
	}
	n := len(arrays)
	sql := "WITH gone (" + sqlgen.GoneColumns(t) + ") AS (DELETE FROM " + t.Current.SQL() + " AS c USING unnest(" + from +
		"$" + strconv.Itoa(n+1) + "::timestamptz[], $" + strconv.Itoa(n+2) + "::text[]) AS e (" + names + "at, origin) WHERE c.__origin = e.origin" + where +
		" RETURNING (c.__start > e.at)::integer, c.__id, c.__start, e.at, c.__origin" + sqlgen.StoredColumns(t, "c.") + ")" +
		", moved AS (" + sqlgen.MoveToHistory(t) + ") SELECT count(*), coalesce(sum(ord), 0) FROM gone"
	var ended, late uint64
	err := pgbinary.Query(ctx, s.tx, sql, append(arrays, ends, origins), func(row [][]byte) {
		ended, late = binary.BigEndian.Uint64(row[0]), binary.BigEndian.Uint64(row[1])
	})
	if err != nil {
		return fmt.Errorf("end rows: %w", err)
	}
	if ended != uint64(len(s.removed)) || late > 0 {
		return errUnexpectedRows
	}
	sub.noteEnded(child, len(s.removed), last)
	return nil
}

// copyAdded copies the new rows into the current table, which draws their ids.
func (s *childReplacement) copyAdded(ctx context.Context, child *tableState) error {
	shape := s.shapes.Upsert
	sql := "COPY " + child.table.Current.SQL() + " (__start, __end, __current, __origin"
	for _, column := range shape.Columns {
		sql += ", " + child.table.Columns[child.table.Column(column.Name)].Stored.SQL()
	}
	const metadata = 4
	var failed error
	err := pgbinary.CopyFrom(ctx, s.tx, sql+")", pgbinary.NewCopyStream(len(s.added), func(dst []byte, i int) []byte {
		row := s.added[i]
		by := s.versionEvent(row)
		begin := len(dst)
		dst = pgbinary.AppendFieldCount(dst, metadata+len(shape.Columns))
		dst = pgbinary.AppendTimestamptz(dst, s.effects[row.effect].Written[0].Start)
		dst = pgbinary.AppendTimestamptz(dst, history.MaxTime)
		dst = pgbinary.AppendBool(dst, true)
		dst = pgbinary.AppendText(dst, string(by.Origin))
		dst = appendKeyCells(dst, by)
		filled, err := s.shapes.AppendRow(dst, s.newer, s.table, int(row.new))
		if err != nil {
			// The row is left out. The error makes the caller roll the copy back.
			failed = err
			return dst[:begin]
		}
		return filled
	}))
	if failed != nil {
		return fmt.Errorf("transform a row of table %s: %w", s.parent.table.Name, failed)
	}
	return err
}
