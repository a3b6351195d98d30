package jsonmap

import (
	"strings"
	"testing"

	"metadb/internal/change"
)

// BenchmarkDocument transforms a document of 1.3 KB with four mappings.
func BenchmarkDocument(b *testing.B) {
	document := []byte(`{"id":"5bf370e0-8cca-4d9c-82e4-5170ab2a0a39","title":"` + strings.Repeat("A semantic web primer ", 8) + `","copies":3,"active":true,` +
		`"createdDate":"2024-01-01T10:00:00.000+00:00","source":"folio","instanceTypeId":"6312d172-f0cf-40f6-b27d-9fa8feaf332f",` +
		`"metadata":{"createdByUserId":"a3c1","createdDate":"2024-01-01T10:00:00.000+00:00","updatedDate":"2024-02-01T10:00:00.000+00:00"},` +
		`"tags":{"tagList":["red","green","blue"]},"identifiers":[{"value":"978-1","typeId":"8261054f-be78-422d-bd51-4ed9f33c3422"},{"value":"0001","typeId":"c858e4f2-2b6b-4385-842b-60732ee14abb"}],` +
		`"notes":"` + strings.Repeat("nothing of note ", 40) + `"}`)
	set := Compile(mappings("$ > t", "$.metadata > metadata", "$.tags > tags", "$.tags.tagList > taglist", "$.identifiers > identifiers"))
	l := NewLayout(set, func(string) []change.Column { return nil })
	rows := NewRows(set)
	var dst change.Row
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		rows.Reset()
		l.AddDocument(rows, [][]byte{document})
		for table := range set.Targets {
			from, to := rows.RowRange(0, table)
			if from == to {
				continue
			}
			l.NoteRow(rows, table, from)
			shapes := l.Shapes(table, nil)
			for row := from; row < to; row++ {
				dst, _ = shapes.AppendRow(dst[:0], rows, table, row)
			}
		}
	}
}
