package history

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"metadb/internal/change"
)

// The fourth way: rows that are there already, as in a resynchronization. What
// is current under the keys is read and compared with the events, byte for byte
// in the binary format that both have. It spares PostgreSQL storing each row in
// a stage, only to find that it has it. Rows that don't look the same go on to
// the staged way, where PostgreSQL compares them: what looks different here may
// be the same to it, but never the other way round.

// recognizable reports whether the rows of a chunk may be recognized: each of a
// key of its own, complete but for columns that only snapshots bring, of the stored types and of one origin, in a table
// whose rows have nearly all been the same lately.
func (r *run) recognizable(t *target, c *chunk, f *folded) bool {
	if f.truncated || r.retried != nil || !t.same || t.disguised || !t.table.Guarded || !c.plain || f.multiple || c.shape == nil || len(f.nulls) != 1 || !f.nulls[0] {
		return false
	}
	origin := r.batch.Events[c.events[0]].Origin
	for i := range f.items {
		it := &f.items[i]
		if !it.upsert || it.moved || len(it.unavailable) != len(c.kept) || r.batch.Events[it.event].Origin != origin {
			return false
		}
	}
	return true
}

// recognize confirms the items that say what is current already, and returns the
// others.
func (r *run) recognize(ctx context.Context, t *target, f *folded) (*folded, error) {
	k := keysOf(t.table, f)
	params := append(slices.Clip(k.params), []byte(r.batch.Events[f.items[0].event].Origin))
	sql := "SELECT e.ord, c.__id" + broughtColumns(t, f.chunk) + " FROM unnest(" + k.types + ") WITH ORDINALITY AS e (" + k.names + ", ord) JOIN " +
		t.table.Current.SQL() + " AS c ON c.__origin = $" + strconv.Itoa(len(params)) + "::text AND " + k.where + absentColumns(t, f.chunk)
	same, confirmed := make([]bool, len(f.items)), make([]confirmation, 0, len(f.items))
	err := r.read(ctx, sql, params, func(row [][]byte) {
		i := binary.BigEndian.Uint64(row[0]) - 1
		if same[i] = sameBytes(f.items[i].row, row[2:]); !same[i] {
			return
		}
		id := int64(binary.BigEndian.Uint64(row[1]))
		if f.items[i].confirm {
			confirmed = append(confirmed, confirmation{id, f.items[i].event})
		}
		t.noteFound(&r.batch.Events[f.items[i].event], id)
	})
	if err != nil {
		return nil, fmt.Errorf("recognize rows: %w", err)
	}
	rest := *f
	rest.items = make([]item, 0, len(f.items)/fewSame)
	for i := range f.items {
		if !same[i] {
			rest.items = append(rest.items, f.items[i])
		}
	}
	return &rest, r.writeConfirmed(ctx, t.table, confirmed)
}

// broughtColumns lists the columns that a chunk brings, as its rows have them.
func broughtColumns(t *target, c *chunk) string {
	list := ""
	for _, fd := range c.fields {
		list += ", c." + t.table.Columns[fd.column].Stored.SQL()
	}
	return list
}

// absentColumns returns the condition that the columns which a chunk does not
// bring are NULL.
func absentColumns(t *target, c *chunk) string {
	brought := make(map[int]bool, len(c.fields))
	for _, fd := range c.fields {
		brought[fd.column] = true
	}
	condition := ""
	for i := range t.table.Columns {
		if !brought[i] {
			condition += " AND c." + t.table.Columns[i].Stored.SQL() + " IS NULL"
		}
	}
	return condition
}

// sameBytes reports whether the cells of a row are these values, nil for NULL. Any
// value is that of an unavailable cell.
func sameBytes(row change.Row, values [][]byte) bool {
	for _, value := range values {
		var cell change.Cell
		cell, row = row.Next()
		if cell.State != change.Unavailable && ((value == nil) != (cell.State == change.Null) || !bytes.Equal(value, cell.Bytes)) {
			return false
		}
	}
	return true
}
