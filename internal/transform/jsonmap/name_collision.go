package jsonmap

import (
	"slices"
	"strings"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// resolveCollisions gives each field of a row a column of its own where several would share one. The field
// with exactly the column's name keeps it, or else the field with the first path; the others get a
// suffix. So the result depends on the row alone.
func (l *Layout) resolveCollisions(table int, values []pendingScalar) {
	taken := make(map[int32]int, len(values))
	for i := range values {
		v := &values[i]
		if v.column == none {
			continue
		}
		other, shared := taken[v.column]
		if !shared {
			taken[v.column] = i
			continue
		}
		name := l.tables[table].columns[v.column].name
		taken[v.column] = l.preferredField(name, values, other, i)
		loser := other + i - taken[v.column]
		values[loser].column = l.ensureColumn(table, suffixedName(name, l.fieldPath(&values[loser])))
		if _, again := taken[values[loser].column]; again {
			values[loser].column = none
			continue
		}
		taken[values[loser].column] = loser
	}
}

// preferredField returns the field, of two, that keeps a name.
func (l *Layout) preferredField(name string, values []pendingScalar, a, b int) int {
	aPath, bPath := l.fieldPath(&values[a]), l.fieldPath(&values[b])
	aExact, bExact := string(values[a].name) == name, string(values[b].name) == name
	switch {
	case aExact != bExact:
		if aExact {
			return a
		}
		return b
	case strings.Compare(aPath, bPath) <= 0:
		return a
	}
	return b
}

func (l *Layout) fieldPath(v *pendingScalar) string {
	return l.set.nodes[v.node].path + "." + string(v.name)
}

// The limits of a row: PostgreSQL stores a row in one page, with short values and with pointers to
// long ones, in bytes.
// https://www.postgresql.org/docs/current/limits.html
const (
	maxRowBytes  = 7600
	valueBytes   = 4
	pointerBytes = 18
)

// trimToPage drops values of a row that is too large to be stored, from the end of the alphabetical order
// of their columns.
func (l *Layout) trimToPage(table int, values []scalar) []scalar {
	if len(values)*(valueBytes+pointerBytes) <= maxRowBytes {
		return values
	}
	bytes := 0
	for i := range values {
		bytes += storedSize(&values[i])
	}
	if bytes <= maxRowBytes {
		return values
	}
	columns := l.tables[table].columns
	slices.SortFunc(values, func(a, b scalar) int { return strings.Compare(columns[a.column].name, columns[b.column].name) })
	bytes = 0
	kept := 0
	for ; kept < len(values); kept++ {
		if bytes += storedSize(&values[kept]); bytes > maxRowBytes {
			break
		}
	}
	l.leftOut[l.set.Targets[table]] += len(values) - kept
	values = values[:kept]
	slices.SortFunc(values, compareColumns)
	return values
}

// storedSize is an upper bound of the bytes that a value takes in a row, for any type of its column. It
// is the same for all notations of a value.
func storedSize(s *scalar) int {
	n := len(s.raw)
	switch {
	case s.kind == change.Numeric:
		if value, err := datatype.AppendNumericText(nil, string(s.raw)); err == nil {
			n = len(value)
		}
	case s.escaped:
		n = len(appendUnescaped(nil, s.raw))
	}
	return valueBytes + min(max(n, 8), pointerBytes)
}
