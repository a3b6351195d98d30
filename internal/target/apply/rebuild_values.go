package apply

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"metadb/internal/change"
	"metadb/internal/target/pgbinary"
	"metadb/internal/target/plan"
	"metadb/internal/transform/jsonmap"
)

// A column of timestamps that becomes text must have the texts of the documents, not PostgreSQL's
// form of the timestamps. So its values are rebuilt from the parents. Equal timestamps may be
// written differently: then a rebuilt version is split in several.

// rebuildStep is the number of ids of a transformed table that are rebuilt by one query.
const rebuildStep = 20_000

// valueRebuild is the rebuilding of columns of one transformed table.
type valueRebuild struct {
	*transformedUpdate
	table int
	child *tableState
	// columns are the rebuilt columns, as indexes into the table. rebuiltByStored has the index
	// into columns by index into stored.
	columns         []int
	rebuiltByStored map[int]int
	shapes          *jsonmap.Shapes
	// stored are the table's columns for the shape's columns without the key.
	stored  []int
	rows    *jsonmap.Rows
	spans   []rebuiltSpan
	lastEnd change.Micros
}

// rebuildValues rebuilds the values of columns that were timestamps and are text now. The new
// versions of the chunk are not in the table yet.
func (d *transformedUpdate) rebuildValues(ctx context.Context, table int, child *tableState, steps []plan.TypeStep) error {
	m := &valueRebuild{transformedUpdate: d, table: table, child: child, rows: jsonmap.NewRows(d.set)}
	for _, step := range steps {
		if step.To == change.Text && (step.From == change.Timestamp || step.From == change.TimestampTZ) {
			m.columns = append(m.columns, step.Column)
		}
	}
	if m.columns == nil || !hasParentKey(child.table, d.parent.table) {
		return nil
	}
	m.mapColumns()
	var first, last int64
	err := d.tx.QueryRow(ctx, "SELECT coalesce(min(__id), 0), coalesce(max(__id), -1) FROM "+child.table.Main.SQL()).Scan(&first, &last)
	if err != nil {
		return fmt.Errorf("make values of table %s again: %w", child.table.Name, err)
	}
	for from := first; from <= last; from += rebuildStep {
		if err := m.rebuildRange(ctx, from, min(from+rebuildStep, last+1)); err != nil {
			return fmt.Errorf("make values of table %s again: %w", child.table.Name, err)
		}
	}
	return nil
}

// mapColumns finds the table's columns of the shape's columns.
func (m *valueRebuild) mapColumns() {
	m.shapes = m.layout.Shapes(m.table, m.folded.Chunk.KeyColumns)
	m.rebuiltByStored = make(map[int]int)
	for _, column := range m.shapes.Upsert.Columns {
		if jsonmap.IsKeyColumn(column.Name) {
			continue
		}
		at := m.child.table.Column(column.Name)
		if made := slices.Index(m.columns, at); made >= 0 {
			m.rebuiltByStored[len(m.stored)] = made
		}
		m.stored = append(m.stored, at)
	}
}

// rebuildRange rebuilds the versions with ids in a range, from included, to excluded.
func (m *valueRebuild) rebuildRange(ctx context.Context, from, to int64) error {
	for _, same := range sameParentSQL(m.child.table, m.parent.table) {
		if err := m.rebuildRangeWhere(ctx, from, to, same); err != nil {
			return err
		}
	}
	return nil
}

// rebuildRangeWhere rebuilds the versions of a range that belong to their parents by one condition.
func (m *valueRebuild) rebuildRangeWhere(ctx context.Context, from, to int64, same string) error {
	m.spans = m.spans[:0]
	columns := documentColumns(m.parent.table, m.set)
	places := m.set.PositionColumns(m.table)
	sql := m.versionsSQL(columns, places, same)
	var now *rebuiltVersion
	params := [][]byte{pgbinary.Int8Bytes(from), pgbinary.Int8Bytes(to), pgbinary.Int8Bytes(m.firstNewID()), pgbinary.Int8Array(m.writtenIDs())}
	err := pgbinary.Query(ctx, m.tx, sql, params, func(row [][]byte) {
		if id := int64(binary.BigEndian.Uint64(row[0])); now == nil || now.id != id {
			now = m.readVersion(id, row, len(places))
		}
		start := pgbinary.ReadTimestamptz(row[3])
		texts := make([][]byte, len(columns))
		for i, c := range columns {
			texts[i] = c.documentText(row[4+len(m.stored)+len(places)+i])
		}
		m.addParentVersion(now, start, texts)
	})
	if err != nil {
		return err
	}
	return m.writeSpans(ctx)
}

// firstNewID returns the lowest id of a version that the chunk has written.
func (m *valueRebuild) firstNewID() int64 {
	first := int64(math.MaxInt64)
	for i := range m.effects {
		for _, b := range m.effects[i].Written {
			first = min(first, b.ID)
		}
	}
	return first
}

// writtenIDs returns the ids of the chunk's versions with transformed rows in the table: those of
// earlier pieces.
func (m *valueRebuild) writtenIDs() []int64 {
	var ids []int64
	for i := range m.effects[:m.pieceStart] {
		for _, b := range m.effects[i].Written {
			ids = append(ids, b.ID)
		}
	}
	return ids
}

// versionsSQL returns the query for versions, each with the versions of its parent that overlap it
// in time, in order.
func (m *valueRebuild) versionsSQL(columns []documentColumn, places []string, same string) string {
	t := m.child.table
	var b strings.Builder
	b.WriteString("SELECT c.__id, c.__start, c.__end, p.__start")
	for _, column := range m.stored {
		b.WriteString(", c." + t.Columns[column].Stored.SQL())
	}
	nonNull := make([]string, len(m.columns))
	for i, column := range m.columns {
		nonNull[i] = "c." + t.Columns[column].Stored.SQL() + " IS NOT NULL"
	}
	for _, name := range places {
		if at := t.Column(name); at >= 0 {
			b.WriteString(", c." + t.Columns[at].Stored.SQL())
		} else {
			b.WriteString(", NULL::integer")
		}
	}
	b.WriteString(listDocuments(columns, storedColumnNamer(m.parent.table, "p.")))
	b.WriteString(" FROM " + t.Main.SQL() + " AS c JOIN " + m.parent.table.Main.SQL() + " AS p ON " + same +
		" AND (p.__start < c.__end AND p.__end > c.__start OR p.__start = c.__start)" +
		" WHERE c.__id >= $1 AND c.__id < $2 AND (p.__id < $3 OR p.__id = ANY ($4::bigint[])) AND (" + strings.Join(nonNull, " OR ") + ") ORDER BY c.__id, p.__start, p.__id")
	return b.String()
}
