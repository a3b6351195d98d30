package history

import (
	"context"
	"encoding/binary"
	"fmt"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// probe is a row of a stage that stands for a key only: an old one, under which
// unavailable values are to be looked for.
type probe struct {
	*formerKey
	origin change.Origin
}

// fillStage brings a folded chunk into a stage of the table's types. Rows whose
// types differ from those are copied into a stage of their own types first, and
// PostgreSQL converts them, the way it converts what is stored already.
func (r *run) fillStage(ctx context.Context, t *target, c *chunk, f *folded) (*stage, error) {
	final, err := r.openStage(ctx, forStored, columnTypes(t.table))
	if err != nil {
		return nil, err
	}
	columns := make([]int, len(c.fields))
	for i, fd := range c.fields {
		columns[i] = fd.column
	}
	if c.plain {
		return final, r.copyStage(ctx, final, columns, c, f)
	}
	arriving := make([]change.Type, len(c.fields))
	raw := make([]int, len(c.fields))
	for i, fd := range c.fields {
		arriving[i], raw[i] = fd.path[0], i
	}
	first, err := r.openStage(ctx, forArriving, arriving)
	if err != nil {
		return nil, err
	}
	if err := r.copyStage(ctx, first, raw, c, f); err != nil {
		return nil, err
	}
	values := make([]string, len(c.fields))
	for i, fd := range c.fields {
		values[i] = stageColumn(i)
		for k := 1; k < len(fd.path); k++ {
			values[i] = datatype.CastSQL(values[i], fd.path[k-1], fd.path[k])
		}
	}
	if _, err := r.tx.Exec(ctx, final.insertSQL(columns, values, first.SQL()+" AS s")); err != nil {
		return nil, fmt.Errorf("convert rows: %w", err)
	}
	return final, nil
}

// copyStage copies the items and the probes that they need into these columns.
func (r *run) copyStage(ctx context.Context, st *stage, columns []int, c *chunk, f *folded) error {
	probes, viaOf := f.probes(r.batch.Events)
	var failed error
	stream := newCopyStream(len(f.items)+len(probes), func(dst []byte, i int) []byte {
		dst = appendCount(dst, st.fieldCount(len(c.fields)))
		if i >= len(f.items) {
			p := &probes[i-len(f.items)]
			dst = appendProbeMeta(dst, i, p)
			return st.asStaged(appendKeyFields(dst, c, p.row), len(dst), c, columns, &failed)
		}
		it := &f.items[i]
		dst = appendItemMeta(dst, i, it, c, r.batch.Events[it.event].Origin)
		if via, ok := viaOf[i]; ok {
			dst = appendInt32(dst, int32(len(f.items)+via))
		} else {
			dst = appendNull(dst)
		}
		return st.asStaged(appendItemFields(dst, c, it), len(dst), c, columns, &failed)
	})
	if err := copyFrom(ctx, r.tx, st.copySQL(columns), stream); err != nil {
		return err
	}
	return failed
}

// appendItemFields appends the fields of an item.
func appendItemFields(dst []byte, c *chunk, it *item) []byte {
	switch {
	case !it.upsert:
		return appendKeyFields(dst, c, it.row)
	case it.unavailable != nil:
		return append(dst, withoutUnavailable(it.row)...)
	}
	return append(dst, it.row...)
}

// probes returns the old keys under which unavailable values are to be looked
// for, and which item needs which.
func (f *folded) probes(events []change.Event) (probes []probe, of map[int]int) {
	for i := range f.items {
		if it := &f.items[i]; it.via != nil {
			if of == nil {
				of = make(map[int]int)
			}
			of[i] = len(probes)
			probes = append(probes, probe{it.via, events[it.event].Origin})
		}
	}
	return probes, of
}

func appendItemMeta(dst []byte, ord int, it *item, c *chunk, origin change.Origin) []byte {
	dst = appendInt32(dst, int32(ord))
	dst = appendBool(dst, it.head)
	dst = appendBool(dst, it.follows)
	dst = appendBool(dst, it.upsert)
	dst = appendBool(dst, false)
	dst = appendBool(dst, it.suspect)
	dst = appendMoment(dst, it.at)
	dst = appendText(dst, string(origin))
	return appendMissing(dst, it.unavailable, c.fields)
}

// appendProbeMeta appends what the stage says of a probe: in the column at when
// the key changed, in follows whether the chunk ends what is current under it.
func appendProbeMeta(dst []byte, ord int, p *probe) []byte {
	dst = appendInt32(dst, int32(ord))
	for _, value := range []bool{false, p.ends, p.lacking, true, false} {
		dst = appendBool(dst, value)
	}
	dst = appendMoment(dst, p.at)
	dst = appendText(dst, string(p.origin))
	return appendNull(appendNull(dst))
}

// appendMissing appends the table's columns that are unavailable, as int[], NULL
// if there are none.
func appendMissing(dst []byte, unavailable []int, fields []field) []byte {
	if len(unavailable) == 0 {
		return appendNull(dst)
	}
	mark := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendArrayHead(dst, int4OID, len(unavailable))
	for _, i := range unavailable {
		dst = appendInt32(dst, int32(fields[i].column))
	}
	binary.BigEndian.PutUint32(dst[mark:], uint32(len(dst)-mark-4))
	return dst
}

// appendKeyFields appends the fields of a row of which only the key is known:
// its cells, in the order of the key, and NULL everywhere else.
func appendKeyFields(dst []byte, c *chunk, key change.Row) []byte {
	for _, fd := range c.fields {
		if fd.key == none {
			dst = appendNull(dst)
		} else {
			dst = change.AppendCell(dst, key.Cell(fd.key))
		}
	}
	return dst
}
