package history

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"metadb/internal/change"
	"metadb/internal/plan"
	"metadb/internal/transform"
)

// A column of moments that becomes text has to have what the documents say, not
// what PostgreSQL makes of a moment. So its values are made again from the
// parents. Moments that were the same may be written differently: a version
// begins then where there was none.

// remakeStep is how many ids of a transformed table are dealt with at a time.
const remakeStep = 20_000

// remaking is one table whose columns are made again.
type remaking struct {
	*descent
	table int
	child *target
	// columns are the indexes of the table's columns, made says which of the
	// shape's columns they are, by those.
	columns []int
	made    map[int]int
	shapes  *transform.Shapes
	// stored are the table's columns that the shape's are, behind the key.
	stored []int
	rows   *transform.Rows
	spans  []madeSpan
	last   change.Micros
}

// remake makes the values of columns again that were moments and are text now.
// The new versions of the chunk are not in the table yet.
func (d *descent) remake(ctx context.Context, table int, child *target, steps []plan.Step) error {
	m := &remaking{descent: d, table: table, child: child, rows: transform.NewRows(d.set)}
	for _, step := range steps {
		if step.To == change.Text && (step.From == change.Timestamp || step.From == change.TimestampTZ) {
			m.columns = append(m.columns, step.Column)
		}
	}
	if m.columns == nil || !hasRoot(child.table, d.parent.table) {
		return nil
	}
	m.shape()
	var first, last int64
	err := d.tx.QueryRow(ctx, "SELECT coalesce(min(__id), 0), coalesce(max(__id), -1) FROM "+child.table.Main.SQL()).Scan(&first, &last)
	if err != nil {
		return fmt.Errorf("make values of table %s again: %w", child.table.Name, err)
	}
	for from := first; from <= last; from += remakeStep {
		if err := m.some(ctx, from, min(from+remakeStep, last+1)); err != nil {
			return fmt.Errorf("make values of table %s again: %w", child.table.Name, err)
		}
	}
	return nil
}

// shape finds out where the shape's columns are in the table.
func (m *remaking) shape() {
	m.shapes = m.layout.Shapes(m.table, m.folded.chunk.keyColumns)
	m.made = make(map[int]int)
	for _, column := range m.shapes.Upsert.Columns {
		if transform.IsKey(column.Name) {
			continue
		}
		at := m.child.table.Column(column.Name)
		if made := slices.Index(m.columns, at); made >= 0 {
			m.made[len(m.stored)] = made
		}
		m.stored = append(m.stored, at)
	}
}

// some deals with the versions that have ids in a range.
func (m *remaking) some(ctx context.Context, from, to int64) error {
	for _, same := range sameRoots(m.child.table, m.parent.table) {
		if err := m.someOf(ctx, from, to, same); err != nil {
			return err
		}
	}
	return nil
}

// someOf is some for those that belong to their parents by a condition.
func (m *remaking) someOf(ctx context.Context, from, to int64, same string) error {
	m.spans = m.spans[:0]
	columns := documentColumns(m.parent.table, m.set)
	places := m.set.Places(m.table)
	sql := m.sql(columns, places, same)
	var now *remade
	params := [][]byte{int8Bytes(from), int8Bytes(to), int8Bytes(m.firstNew()), int8Array(m.written())}
	err := m.read(ctx, sql, params, func(row [][]byte) {
		if id := int64(binary.BigEndian.Uint64(row[0])); now == nil || now.id != id {
			now = m.version(id, row, len(places))
		}
		start := change.Micros(binary.BigEndian.Uint64(row[3])) + pgEpoch
		texts := make([][]byte, len(columns))
		for i, c := range columns {
			texts[i] = c.text(row[4+len(m.stored)+len(places)+i])
		}
		m.parentVersion(now, start, texts)
	})
	if err != nil {
		return err
	}
	return m.write(ctx)
}

// firstNew is the lowest id of a version that the chunk has written.
func (m *remaking) firstNew() int64 {
	first := int64(math.MaxInt64)
	for i := range m.lines {
		for _, b := range m.lines[i].begun {
			first = min(first, b.id)
		}
	}
	return first
}

// written are the ids of the chunk's versions whose rows are in the table already:
// those of earlier pieces.
func (m *remaking) written() []int64 {
	var ids []int64
	for i := range m.lines[:m.first] {
		for _, b := range m.lines[i].begun {
			ids = append(ids, b.id)
		}
	}
	return ids
}

// sql returns the query for versions and, in their order, those of their parents
// that share some of their time.
func (m *remaking) sql(columns []documentColumn, places []string, same string) string {
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
	b.WriteString(listDocuments(columns, storedIn(m.parent.table, "p.")))
	b.WriteString(" FROM " + t.Main.SQL() + " AS c JOIN " + m.parent.table.Main.SQL() + " AS p ON " + same +
		" AND (p.__start < c.__end AND p.__end > c.__start OR p.__start = c.__start)" +
		" WHERE c.__id >= $1 AND c.__id < $2 AND (p.__id < $3 OR p.__id = ANY ($4::bigint[])) AND (" + strings.Join(nonNull, " OR ") + ") ORDER BY c.__id, p.__start, p.__id")
	return b.String()
}
