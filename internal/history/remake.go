package history

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"metadb/internal/change"
	"metadb/internal/ident"
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

// madeSpan is a part of a version's time with the texts of its columns.
type madeSpan struct {
	id         int64
	start, end change.Micros
	texts      []string
}

// remade is a version of the table with what its parents say, as it is read.
type remade struct {
	id         int64
	start, end change.Micros
	values     [][]byte
	ords       []int32
	// first is the number of its first span; closed says that the spans are
	// complete.
	first  int
	closed bool
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
	any := make([]string, len(m.columns))
	for i, column := range m.columns {
		any[i] = "c." + t.Columns[column].Stored.SQL() + " IS NOT NULL"
	}
	for _, name := range places {
		if at := t.Column(name); at >= 0 {
			b.WriteString(", c." + t.Columns[at].Stored.SQL())
		} else {
			b.WriteString(", NULL::integer")
		}
	}
	for _, c := range columns {
		if c.column == none {
			b.WriteString(", NULL::text")
		} else {
			b.WriteString(", p." + m.parent.table.Columns[c.column].Stored.SQL())
		}
	}
	b.WriteString(" FROM " + t.Main.SQL() + " AS c JOIN " + m.parent.table.Main.SQL() + " AS p ON " + same +
		" AND (p.__start < c.__end AND p.__end > c.__start OR p.__start = c.__start)" +
		" WHERE c.__id >= $1 AND c.__id < $2 AND (p.__id < $3 OR p.__id = ANY ($4::bigint[])) AND (" + strings.Join(any, " OR ") + ") ORDER BY c.__id, p.__start, p.__id")
	return b.String()
}

// version reads a version of the transformed table.
func (m *remaking) version(id int64, row [][]byte, places int) *remade {
	v := &remade{
		id:    id,
		start: change.Micros(binary.BigEndian.Uint64(row[1])) + pgEpoch, end: change.Micros(binary.BigEndian.Uint64(row[2])) + pgEpoch,
	}
	v.first = len(m.spans)
	for i := range m.stored {
		v.values = append(v.values, bytes.Clone(row[4+i]))
	}
	for i := range places {
		ord := int32(0)
		if value := row[4+len(m.stored)+i]; value != nil {
			ord = int32(binary.BigEndian.Uint32(value))
		}
		v.ords = append(v.ords, ord)
	}
	return v
}

// parentVersion notes what a version of the parent says of a version. Several of
// one time can't be told by it: those that say something else are the parents of
// others.
func (m *remaking) parentVersion(v *remade, start change.Micros, texts [][]byte) {
	if v.closed {
		return
	}
	said, same := m.says(v, texts)
	n := len(m.spans)
	switch {
	case !same && v.end == v.start:
		v.closed = n > v.first
	case !same && start <= v.start:
		m.spans = m.spans[:v.first]
	case !same:
	case n == v.first:
		m.spans = append(m.spans, madeSpan{id: v.id, start: v.start, end: v.end, texts: said})
	case !slices.Equal(m.spans[n-1].texts, said):
		start = max(start, v.start)
		m.spans[n-1].end = start
		m.spans = append(m.spans, madeSpan{id: v.id, start: start, end: v.end, texts: said})
	}
}

// says returns what documents say in the columns that are made again, and whether
// they are those of the version: whether all else is the same.
func (m *remaking) says(v *remade, texts [][]byte) (said []string, same bool) {
	m.rows.Reset()
	document := m.layout.Add(m.rows, texts)
	row, found := m.rows.Find(document, m.table, v.ords)
	if !found {
		return nil, false
	}
	cells, err := m.shapes.AppendRow(nil, m.rows, m.table, row)
	if err != nil {
		return nil, false
	}
	said = make([]string, len(m.columns))
	key := len(m.shapes.Delete.Columns) - len(m.parent.table.Key)
	for i, cell := range cells.Cells() {
		i -= key
		if i < 0 {
			continue
		}
		value := v.values[i]
		if (cell.State == change.Present) != (value != nil) {
			return nil, false
		}
		made, isMade := m.made[i]
		if !isMade {
			if string(cell.Bytes) != string(value) {
				return nil, false
			}
			continue
		}
		if value == nil {
			continue
		}
		written, printed, is := m.layout.Moment(m.rows, m.table, row, m.child.table.Columns[m.columns[made]].Name)
		if !is || printed != string(value) {
			return nil, false
		}
		said[made] = written
	}
	return said, true
}

// write stores what has been made.
func (m *remaking) write(ctx context.Context) error {
	var firsts, later []madeSpan
	for i, span := range m.spans {
		if i > 0 && m.spans[i-1].id == span.id {
			later = append(later, span)
		} else {
			firsts = append(firsts, span)
		}
	}
	if err := m.writeFirsts(ctx, firsts); err != nil {
		return err
	}
	return m.writeLater(ctx, later)
}

// arrays returns the texts of spans, one array for each column.
func (m *remaking) arrays(spans []madeSpan) [][]string {
	arrays := make([][]string, len(m.columns))
	for i := range m.columns {
		for _, span := range spans {
			arrays[i] = append(arrays[i], span.texts[i])
		}
	}
	return arrays
}

// writeFirsts gives the versions their texts, and their ends where others follow.
func (m *remaking) writeFirsts(ctx context.Context, spans []madeSpan) error {
	if len(spans) == 0 {
		return nil
	}
	t := m.child.table
	ids, ends := make([]int64, len(spans)), make([]change.Micros, len(spans))
	for i, span := range spans {
		ids[i], ends[i] = span.id, span.end
		if span.end != forever {
			m.last = max(m.last, span.end)
		}
	}
	args := []any{ids, moments(ends), moment(forever)}
	set := "__end = e.at, __current = e.at = $3::timestamptz"
	names, types := "", ""
	for i, array := range m.arrays(spans) {
		args = append(args, array)
		name := stageColumn(i)
		names += ", " + name
		types += fmt.Sprintf(", $%d::text[]", len(args))
		stored := t.Columns[m.columns[i]].Stored.SQL()
		set += ", " + stored + " = CASE WHEN c." + stored + " IS NULL THEN NULL ELSE e." + name + " END"
	}
	_, err := m.tx.Exec(ctx, "UPDATE "+t.Main.SQL()+" AS c SET "+set+" FROM unnest($1::bigint[], $2::timestamptz[]"+types+") AS e (id, at"+names+
		") WHERE c.__id = e.id", args...)
	return err
}

// writeLater inserts the versions that begin within others.
func (m *remaking) writeLater(ctx context.Context, spans []madeSpan) error {
	if len(spans) == 0 {
		return nil
	}
	var years []int
	ids, starts, ends := make([]int64, len(spans)), make([]change.Micros, len(spans)), make([]change.Micros, len(spans))
	for i, span := range spans {
		ids[i], starts[i], ends[i] = span.id, span.start, span.end
		years = append(years, year(span.start))
		if span.end != forever {
			m.last = max(m.last, span.end)
		}
	}
	if err := m.ensureYears(ctx, m.child, years); err != nil {
		return err
	}
	t := m.child.table
	args := []any{ids, moments(starts), moments(ends), moment(forever)}
	names, types := "", ""
	for i, array := range m.arrays(spans) {
		args = append(args, array)
		names += ", " + stageColumn(i)
		types += fmt.Sprintf(", $%d::text[]", len(args))
	}
	var values strings.Builder
	for i, column := range t.Columns {
		stored := "c." + column.Stored.SQL()
		if at := slices.Index(m.columns, i); at >= 0 {
			stored = "CASE WHEN " + stored + " IS NULL THEN NULL ELSE e." + stageColumn(at) + " END"
		}
		values.WriteString(", " + stored)
	}
	_, err := m.tx.Exec(ctx, "INSERT INTO "+t.Main.SQL()+" ("+ident.List(ident.Metadata())+storedColumns(t, "")+
		") SELECT nextval("+regclass(t.Sequence)+"), e.start, e.stop, e.stop = $4::timestamptz, c.__origin"+values.String()+
		" FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]"+types+") WITH ORDINALITY AS e (id, start, stop"+names+", ord) JOIN "+
		t.Main.SQL()+" AS c ON c.__id = e.id ORDER BY e.ord", args...)
	if err != nil {
		return err
	}
	m.ended(m.child, 0, m.last)
	return nil
}
