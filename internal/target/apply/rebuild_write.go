package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// writeSpans stores the spans: the first of each version in its row, the others in new rows.
func (m *valueRebuild) writeSpans(ctx context.Context) error {
	var firsts, later []rebuiltSpan
	for i, span := range m.spans {
		if i > 0 && m.spans[i-1].id == span.id {
			later = append(later, span)
		} else {
			firsts = append(firsts, span)
		}
	}
	if err := m.updateVersions(ctx, firsts); err != nil {
		return err
	}
	return m.insertVersions(ctx, later)
}

// textArrays returns the texts of spans, one array for each column.
func (m *valueRebuild) textArrays(spans []rebuiltSpan) [][]string {
	arrays := make([][]string, len(m.columns))
	for i := range m.columns {
		for _, span := range spans {
			arrays[i] = append(arrays[i], span.texts[i])
		}
	}
	return arrays
}

// updateVersions sets the texts of versions, and the end of each that is followed by another span.
func (m *valueRebuild) updateVersions(ctx context.Context, spans []rebuiltSpan) error {
	if len(spans) == 0 {
		return nil
	}
	t := m.child.table
	ids, ends := make([]int64, len(spans)), make([]change.Micros, len(spans))
	for i, span := range spans {
		ids[i], ends[i] = span.id, span.end
		if span.end != history.MaxTime {
			m.lastEnd = max(m.lastEnd, span.end)
		}
	}
	args := []any{ids, pgbinary.Timestamptzs(ends), history.MaxTime.UTC()}
	set := "__end = e.at, __current = e.at = $3::timestamptz"
	names, types := "", ""
	for i, array := range m.textArrays(spans) {
		args = append(args, array)
		name := sqlgen.StageColumn(i)
		names += ", " + name
		types += fmt.Sprintf(", $%d::text[]", len(args))
		stored := t.Columns[m.columns[i]].Stored.SQL()
		set += ", " + stored + " = CASE WHEN c." + stored + " IS NULL THEN NULL ELSE e." + name + " END"
	}
	_, err := m.tx.Exec(ctx, "UPDATE "+t.Main.SQL()+" AS c SET "+set+" FROM unnest($1::bigint[], $2::timestamptz[]"+types+") AS e (id, at"+names+
		") WHERE c.__id = e.id", args...)
	return err
}

// insertVersions inserts a version for each further span.
func (m *valueRebuild) insertVersions(ctx context.Context, spans []rebuiltSpan) error {
	if len(spans) == 0 {
		return nil
	}
	var years []int
	ids, starts, ends := make([]int64, len(spans)), make([]change.Micros, len(spans)), make([]change.Micros, len(spans))
	for i, span := range spans {
		ids[i], starts[i], ends[i] = span.id, span.start, span.end
		years = append(years, history.YearOf(span.start))
		if span.end != history.MaxTime {
			m.lastEnd = max(m.lastEnd, span.end)
		}
	}
	if err := m.ensureYears(ctx, m.child, years); err != nil {
		return err
	}
	t := m.child.table
	args := []any{ids, pgbinary.Timestamptzs(starts), pgbinary.Timestamptzs(ends), history.MaxTime.UTC()}
	names, types := "", ""
	for i, array := range m.textArrays(spans) {
		args = append(args, array)
		names += ", " + sqlgen.StageColumn(i)
		types += fmt.Sprintf(", $%d::text[]", len(args))
	}
	var values strings.Builder
	for i, column := range t.Columns {
		stored := "c." + column.Stored.SQL()
		if at := slices.Index(m.columns, i); at >= 0 {
			stored = "CASE WHEN " + stored + " IS NULL THEN NULL ELSE e." + sqlgen.StageColumn(at) + " END"
		}
		values.WriteString(", " + stored)
	}
	_, err := m.tx.Exec(ctx, "INSERT INTO "+t.Main.SQL()+" ("+ident.List(ident.Metadata())+sqlgen.StoredColumns(t, "")+
		") SELECT nextval("+t.Sequence.Regclass()+"), e.start, e.stop, e.stop = $4::timestamptz, c.__origin"+values.String()+
		" FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]"+types+") WITH ORDINALITY AS e (id, start, stop"+names+", ord) JOIN "+
		t.Main.SQL()+" AS c ON c.__id = e.id ORDER BY e.ord", args...)
	if err != nil {
		return err
	}
	m.noteEnded(m.child, 0, m.lastEnd)
	return nil
}
