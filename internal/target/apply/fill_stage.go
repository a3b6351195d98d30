package apply

import (
	"context"
	"encoding/binary"
	"fmt"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// fillStage copies a folded chunk into a stage with the table's types. Rows with other types are
// first copied into a stage with their own types; PostgreSQL then converts them, as it converts
// stored values.
func (r *batchTx) fillStage(ctx context.Context, t *tableState, c *history.Chunk, f *history.FoldedChunk) (*sqlgen.Stage, error) {
	final, err := r.openStage(ctx, purposeStored, columnTypes(t.table))
	if err != nil {
		return nil, err
	}
	columns := make([]int, len(c.Fields))
	for i, fd := range c.Fields {
		columns[i] = fd.Column
	}
	if c.Unconverted {
		return final, r.copyToStage(ctx, final, columns, c, f)
	}
	arriving := make([]change.Type, len(c.Fields))
	raw := make([]int, len(c.Fields))
	for i, fd := range c.Fields {
		arriving[i], raw[i] = fd.TypePath[0], i
	}
	first, err := r.openStage(ctx, purposeArriving, arriving)
	if err != nil {
		return nil, err
	}
	if err := r.copyToStage(ctx, first, raw, c, f); err != nil {
		return nil, err
	}
	values := make([]string, len(c.Fields))
	for i, fd := range c.Fields {
		values[i] = sqlgen.StageColumn(i)
		for k := 1; k < len(fd.TypePath); k++ {
			values[i] = datatype.CastSQL(values[i], fd.TypePath[k-1], fd.TypePath[k])
		}
	}
	if _, err := r.tx.Exec(ctx, final.InsertSQL(columns, values, first.SQL()+" AS s")); err != nil {
		return nil, fmt.Errorf("convert rows: %w", err)
	}
	return final, nil
}

// copyToStage copies the changes, and the probes that they need, into the given columns.
func (r *batchTx) copyToStage(ctx context.Context, st *sqlgen.Stage, columns []int, c *history.Chunk, f *history.FoldedChunk) error {
	probes, viaOf := f.OldKeyProbes(r.batch.Events)
	encoder := stageEncoder{stage: st, chunk: c, columns: columns}
	stream := pgbinary.NewCopyStream(len(f.Changes)+len(probes), func(dst []byte, i int) []byte {
		dst = pgbinary.AppendFieldCount(dst, stagedFieldCount(st, len(c.Fields)))
		if i >= len(f.Changes) {
			p := &probes[i-len(f.Changes)]
			dst = appendProbeMeta(dst, i, p)
			return encoder.appendForm(appendKeyFields(dst, c, p.Row), len(dst))
		}
		it := &f.Changes[i]
		dst = appendChangeMeta(dst, i, it, c, r.batch.Events[it.Event].Origin)
		if via, ok := viaOf[i]; ok {
			dst = pgbinary.AppendInt32(dst, int32(len(f.Changes)+via))
		} else {
			dst = pgbinary.AppendNull(dst)
		}
		return encoder.appendForm(appendChangeFields(dst, c, it), len(dst))
	})
	if err := pgbinary.CopyFrom(ctx, r.tx, st.CopySQL(columns), stream); err != nil {
		return err
	}
	return encoder.failed
}

// appendChangeFields appends the fields of a change, with NULL for unavailable values.
func appendChangeFields(dst []byte, c *history.Chunk, it *history.RowChange) []byte {
	switch {
	case !it.Upsert:
		return appendKeyFields(dst, c, it.Row)
	case it.Unavailable != nil:
		return append(dst, history.WithoutUnavailable(it.Row)...)
	}
	return append(dst, it.Row...)
}

func appendChangeMeta(dst []byte, ord int, it *history.RowChange, c *history.Chunk, origin change.Origin) []byte {
	dst = pgbinary.AppendInt32(dst, int32(ord))
	dst = pgbinary.AppendBool(dst, it.Head)
	dst = pgbinary.AppendBool(dst, it.FollowsUpsert)
	dst = pgbinary.AppendBool(dst, it.Upsert)
	dst = pgbinary.AppendBool(dst, false)
	dst = pgbinary.AppendBool(dst, it.Suspect)
	dst = pgbinary.AppendTimestamptz(dst, it.At)
	dst = pgbinary.AppendText(dst, string(origin))
	return appendMissingColumns(dst, it.Unavailable, c.Fields)
}

// appendProbeMeta appends the meta columns of a probe: at is the time of the change of key, follows
// is true if the chunk ends the current version of the old key, and upsert if the version that ends
// is incomplete.
func appendProbeMeta(dst []byte, ord int, p *history.OldKeyProbe) []byte {
	dst = pgbinary.AppendInt32(dst, int32(ord))
	for _, value := range []bool{false, p.EndsCurrent, p.Incomplete, true, false} {
		dst = pgbinary.AppendBool(dst, value)
	}
	dst = pgbinary.AppendTimestamptz(dst, p.At)
	dst = pgbinary.AppendText(dst, string(p.Origin))
	return pgbinary.AppendNull(pgbinary.AppendNull(dst))
}

// appendMissingColumns appends the indexes of the table's unavailable columns as int[], or NULL.
func appendMissingColumns(dst []byte, unavailable []int, fields []history.ChunkField) []byte {
	if len(unavailable) == 0 {
		return pgbinary.AppendNull(dst)
	}
	mark := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = pgbinary.AppendArrayHeader(dst, pgbinary.Int4OID, len(unavailable))
	for _, i := range unavailable {
		dst = pgbinary.AppendInt32(dst, int32(fields[i].Column))
	}
	binary.BigEndian.PutUint32(dst[mark:], uint32(len(dst)-mark-4))
	return dst
}

// appendKeyFields appends the fields of a row that has only a key: the key's cells, and NULL in all
// other fields.
func appendKeyFields(dst []byte, c *history.Chunk, key change.Row) []byte {
	for _, fd := range c.Fields {
		if fd.KeyIndex == history.None {
			dst = pgbinary.AppendNull(dst)
		} else {
			dst = change.AppendCell(dst, key.Cell(fd.KeyIndex))
		}
	}
	return dst
}
