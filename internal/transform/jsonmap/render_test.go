package jsonmap

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// render returns the rows of documents, one a line: target, positions, then each column with its
// value. Columns are ordered by name.
func render(t testing.TB, set *MappingSet, documents ...string) string {
	t.Helper()
	l := NewLayout(set, func(string) []change.Column { return nil })
	rows := NewRows(set)
	for _, document := range documents {
		all := make([][]byte, len(set.Columns))
		for i := range all {
			all[i] = []byte(document)
		}
		l.AddDocument(rows, all)
	}
	var lines []string
	for table := range set.Targets {
		for document := range documents {
			from, to := rows.RowRange(document, table)
			for row := from; row < to; row++ {
				l.NoteRow(rows, table, row)
			}
		}
		shapes := l.Shapes(table, nil)
		for document := range documents {
			from, to := rows.RowRange(document, table)
			for row := from; row < to; row++ {
				cells, err := shapes.AppendRow(nil, rows, table, row)
				if err != nil {
					t.Fatal(err)
				}
				lines = append(lines, line(t, set.Targets[table], shapes.Upsert, cells))
			}
		}
	}
	return strings.Join(lines, "\n")
}

func line(t testing.TB, target string, shape *change.Shape, row change.Row) string {
	t.Helper()
	var values []string
	key := ""
	for i, cell := range row.Cells() {
		column := shape.Columns[i]
		if cell.State != change.Present {
			if IsKeyColumn(column.Name) {
				key += " " + strings.TrimPrefix(column.Name, positionPrefix) + "#-"
			}
			continue
		}
		text, err := datatype.Format(column.Type, cell)
		if err != nil {
			t.Fatal(err)
		}
		if IsKeyColumn(column.Name) {
			key += " " + strings.TrimPrefix(column.Name, positionPrefix) + "#" + text
			continue
		}
		values = append(values, fmt.Sprintf("%s=%s:%s", column.Name, short(column.Type), text))
	}
	slices.Sort(values)
	return strings.TrimSpace(target + key + ": " + strings.Join(values, " "))
}

func short(t change.Type) string {
	switch t {
	case change.Text:
		return "t"
	case change.Numeric:
		return "n"
	case change.Boolean:
		return "b"
	case change.Timestamp:
		return "ts"
	case change.TimestampTZ:
		return "tz"
	}
	return t.String()
}

// mappings returns mappings of one column from "path target" pairs.
func mappings(pairs ...string) []Mapping {
	out := make([]Mapping, len(pairs))
	for i, pair := range pairs {
		path, target, _ := strings.Cut(pair, " > ")
		out[i] = Mapping{Column: "jsonb", Path: path, Target: target}
	}
	return out
}
