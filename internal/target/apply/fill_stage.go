package apply

import (
	"context"
	"encoding/binary"
	"fmt"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// oldKeyProbe is a row of a stage with a key only: an old key, under which unavailable values are
// looked up.
type oldKeyProbe struct {
	*oldKey
	origin change.Origin
}

// fillStage copies a folded chunk into a stage with the table's types. Rows with other types are
// first copied into a stage with their own types; PostgreSQL then converts them, as it converts
// stored values.
func (r *batchTx) fillStage(ctx context.Context, t *tableState, c *chunk, f *foldedChunk) (*stage, error) {
	final, err := r.openStage(ctx, purposeStored, columnTypes(t.table))
	if err != nil {
		return nil, err
	}
	columns := make([]int, len(c.fields))
	for i, fd := range c.fields {
		columns[i] = fd.column
	}
	if c.unconverted {
		return final, r.copyToStage(ctx, final, columns, c, f)
	}
	arriving := make([]change.Type, len(c.fields))
	raw := make([]int, len(c.fields))
	for i, fd := range c.fields {
		arriving[i], raw[i] = fd.typePath[0], i
	}
	first, err := r.openStage(ctx, purposeArriving, arriving)
	if err != nil {
		return nil, err
	}
	if err := r.copyToStage(ctx, first, raw, c, f); err != nil {
		return nil, err
	}
	values := make([]string, len(c.fields))
	for i, fd := range c.fields {
		values[i] = stageColumn(i)
		for k := 1; k < len(fd.typePath); k++ {
			values[i] = datatype.CastSQL(values[i], fd.typePath[k-1], fd.typePath[k])
		}
	}
	if _, err := r.tx.Exec(ctx, final.insertSQL(columns, values, first.SQL()+" AS s")); err != nil {
		return nil, fmt.Errorf("convert rows: %w", err)
	}
	return final, nil
}

// copyToStage copies the changes, and the probes that they need, into the given columns.
func (r *batchTx) copyToStage(ctx context.Context, st *stage, columns []int, c *chunk, f *foldedChunk) error {
	probes, viaOf := f.oldKeyProbes(r.batch.Events)
	var failed error
	stream := newCopyStream(len(f.changes)+len(probes), func(dst []byte, i int) []byte {
		dst = appendFieldCount(dst, st.fieldCount(len(c.fields)))
		if i >= len(f.changes) {
			p := &probes[i-len(f.changes)]
			dst = appendProbeMeta(dst, i, p)
			return st.appendStagedForm(appendKeyFields(dst, c, p.row), len(dst), c, columns, &failed)
		}
		it := &f.changes[i]
		dst = appendChangeMeta(dst, i, it, c, r.batch.Events[it.event].Origin)
		if via, ok := viaOf[i]; ok {
			dst = appendInt32(dst, int32(len(f.changes)+via))
		} else {
			dst = appendNull(dst)
		}
		return st.appendStagedForm(appendChangeFields(dst, c, it), len(dst), c, columns, &failed)
	})
	if err := copyFrom(ctx, r.tx, st.copySQL(columns), stream); err != nil {
		return err
	}
	return failed
}

// appendChangeFields appends the fields of a change, with NULL for unavailable values.
func appendChangeFields(dst []byte, c *chunk, it *rowChange) []byte {
	switch {
	case !it.upsert:
		return appendKeyFields(dst, c, it.row)
	case it.unavailable != nil:
		return append(dst, withoutUnavailable(it.row)...)
	}
	return append(dst, it.row...)
}

// oldKeyProbes returns the old keys under which unavailable values are looked up, and the index of
// the probe of each change that needs one.
func (f *foldedChunk) oldKeyProbes(events []change.Event) (probes []oldKeyProbe, of map[int]int) {
	for i := range f.changes {
		if it := &f.changes[i]; it.oldKeySource != nil {
			if of == nil {
				of = make(map[int]int)
			}
			of[i] = len(probes)
			probes = append(probes, oldKeyProbe{it.oldKeySource, events[it.event].Origin})
		}
	}
	return probes, of
}

func appendChangeMeta(dst []byte, ord int, it *rowChange, c *chunk, origin change.Origin) []byte {
	dst = appendInt32(dst, int32(ord))
	dst = appendBool(dst, it.head)
	dst = appendBool(dst, it.followsUpsert)
	dst = appendBool(dst, it.upsert)
	dst = appendBool(dst, false)
	dst = appendBool(dst, it.suspect)
	dst = appendTimestamptz(dst, it.at)
	dst = appendText(dst, string(origin))
	return appendMissingColumns(dst, it.unavailable, c.fields)
}

// appendProbeMeta appends the meta columns of a probe: at is the time of the change of key, follows
// is true if the chunk ends the current version of the old key, and upsert if the version that ends
// is incomplete.
func appendProbeMeta(dst []byte, ord int, p *oldKeyProbe) []byte {
	dst = appendInt32(dst, int32(ord))
	for _, value := range []bool{false, p.endsCurrent, p.incomplete, true, false} {
		dst = appendBool(dst, value)
	}
	dst = appendTimestamptz(dst, p.at)
	dst = appendText(dst, string(p.origin))
	return appendNull(appendNull(dst))
}

// appendMissingColumns appends the indexes of the table's unavailable columns as int[], or NULL.
func appendMissingColumns(dst []byte, unavailable []int, fields []chunkField) []byte {
	if len(unavailable) == 0 {
		return appendNull(dst)
	}
	mark := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendArrayHeader(dst, int4OID, len(unavailable))
	for _, i := range unavailable {
		dst = appendInt32(dst, int32(fields[i].column))
	}
	binary.BigEndian.PutUint32(dst[mark:], uint32(len(dst)-mark-4))
	return dst
}

// appendKeyFields appends the fields of a row that has only a key: the key's cells, and NULL in all
// other fields.
func appendKeyFields(dst []byte, c *chunk, key change.Row) []byte {
	for _, fd := range c.fields {
		if fd.keyIndex == none {
			dst = appendNull(dst)
		} else {
			dst = change.AppendCell(dst, key.Cell(fd.keyIndex))
		}
	}
	return dst
}
