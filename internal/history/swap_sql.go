package history

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// write ends rows and copies others, under a savepoint of the caller's.
func (s *swap) write(ctx context.Context, sub *run, child *target) error {
	if len(s.over) > 0 {
		if err := s.end(ctx, sub, child); err != nil {
			return err
		}
	}
	if len(s.begun) == 0 {
		return nil
	}
	if err := s.copy(ctx, child); err != nil {
		return err
	}
	sub.outcome.Written += len(s.begun)
	return nil
}

// end moves rows to history, by their keys.
func (s *swap) end(ctx context.Context, sub *run, child *target) error {
	shape := s.shapes.Delete
	arrays := make([][]byte, len(shape.Columns))
	for i, column := range shape.Columns {
		arrays[i] = newArray(datatype.OID(column.Type), len(s.over))
	}
	ends, origins := newArray(timestamptzOID, len(s.over)), newArray(textOID, len(s.over))
	var key change.Row
	last := never
	for _, row := range s.over {
		head, end := s.head(row), s.lines[row.line].end
		key = s.shapes.AppendKey(appendKeyCells(key[:0], head), s.kept, s.table, int(row.old))
		rest := key
		for i := range arrays {
			var cell change.Cell
			cell, rest = rest.Next()
			arrays[i] = change.AppendCell(arrays[i], cell)
		}
		ends = appendMoment(ends, end)
		origins = appendText(origins, string(head.Origin))
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
	sql := "WITH gone (" + goneColumns(t) + ") AS (DELETE FROM " + t.Current.SQL() + " AS c USING unnest(" + from +
		"$" + strconv.Itoa(n+1) + "::timestamptz[], $" + strconv.Itoa(n+2) + "::text[]) AS e (" + names + "at, origin) WHERE c.__origin = e.origin" + where +
		" RETURNING (c.__start > e.at)::integer, c.__id, c.__start, e.at, c.__origin" + storedColumns(t, "c.") + ")" +
		", moved AS (" + moveToHistory(t) + ") SELECT count(*), coalesce(sum(ord), 0) FROM gone"
	var ended, late uint64
	err := s.read(ctx, sql, append(arrays, ends, origins), func(row [][]byte) {
		ended, late = binary.BigEndian.Uint64(row[0]), binary.BigEndian.Uint64(row[1])
	})
	if err != nil {
		return fmt.Errorf("end rows: %w", err)
	}
	if ended != uint64(len(s.over)) || late > 0 {
		return errNotSwapped
	}
	sub.ended(child, len(s.over), last)
	return nil
}

// copy copies the new rows into the current table, which numbers them.
func (s *swap) copy(ctx context.Context, child *target) error {
	shape := s.shapes.Upsert
	sql := "COPY " + child.table.Current.SQL() + " (__start, __end, __current, __origin"
	for _, column := range shape.Columns {
		sql += ", " + child.table.Columns[child.table.Column(column.Name)].Stored.SQL()
	}
	const metadata = 4
	var failed error
	err := copyFrom(ctx, s.tx, sql+")", newCopyStream(len(s.begun), func(dst []byte, i int) []byte {
		row := s.begun[i]
		by := s.begunBy(row)
		begin := len(dst)
		dst = appendCount(dst, metadata+len(shape.Columns))
		dst = appendMoment(dst, s.lines[row.line].begun[0].start)
		dst = appendMoment(dst, forever)
		dst = appendBool(dst, true)
		dst = appendText(dst, string(by.Origin))
		dst = appendKeyCells(dst, by)
		filled, err := s.shapes.AppendRow(dst, s.newer, s.table, int(row.new))
		if err != nil {
			// The row is left out, and the copy in vain.
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
