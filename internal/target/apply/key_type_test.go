package apply_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// TestKeyBecomesText checks that 2 and 2.0 are one key as numbers and two as texts, independently
// of the borders of batches.
func TestKeyBecomesText(t *testing.T) {
	events := []struct {
		typ    change.Type
		key, v string
		at     change.Micros
		gone   bool
	}{
		{change.Numeric, "2", "a", 10, false},
		{change.Numeric, "2.0", "b", 20, false},
		{change.Numeric, "3", "c", 20, false},
		{change.Text, "2", "d", 30, false},
		{change.Numeric, "2.0", "e", 40, false},
		{change.Numeric, "2", "f", 50, false},
		{change.Numeric, "3.0", "g", 60, false},
		{change.Numeric, "2", "", 70, true},
		{change.Text, "2.0", "h", 80, false},
	}
	const want = "2 a 10 20\n2 d 30 50\n2 f 50 70\n2.0 b 20 40\n2.0 e 40 80\n2.0 h 80 -\n3 c 20 -\n3.0 g 60 -"
	for cut := range len(events) {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			r := newRig(t)
			conn, err := r.connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(t.Context()) }()
			var batch []change.Event
			for i, of := range events {
				var key []byte
				rows, err := conn.Query(t.Context(), "SELECT $1::text::"+of.typ.String(), pgx.QueryResultFormats{pgx.BinaryFormatCode}, of.key)
				if err != nil {
					t.Fatal(err)
				}
				for rows.Next() {
					key = bytes.Clone(rows.RawValues()[0])
				}
				if err := rows.Err(); err != nil {
					t.Fatal(err)
				}
				columns := []change.Column{{Name: "id", Type: of.typ}, {Name: "v", Type: change.Text}}
				e := put(0, "", of.at)
				e.Shape, e.Row = &change.Shape{Columns: columns, Key: []int{0}}, cellText(change.AppendValue(nil, key), of.v)
				if of.gone {
					e.Op, e.Shape, e.Row = change.Delete, &change.Shape{Columns: columns[:1], Key: []int{0}}, change.AppendValue(nil, key)
				}
				if batch = append(batch, e); i == cut || cut == 0 {
					r.apply(batch...)
					batch = nil
				}
			}
			if len(batch) > 0 {
				r.apply(batch...)
			}
			if got := r.versions(); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
