package demo

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
	"metadb/internal/testkit/eventgen"
)

// decodedModel keeps the current rows that events make, by table and key.
type decodedModel struct {
	decoder *connectjson.Decoder
	rows    map[string][]string
}

func (m *decodedModel) apply(t *testing.T, records []eventgen.Record) {
	t.Helper()
	for _, record := range records {
		event := m.decoder.Decode(&debezium.Input{Topic: record.Topic, Key: record.Key, Value: record.Value})
		if event.Op == change.Ignore && record.Value == nil {
			continue
		}
		var row []string
		for i, cell := range event.Row.Cells() {
			text := "NULL"
			if cell.State == change.Present {
				var err error
				if text, err = datatype.Format(event.Shape.Columns[i].Type, cell); err != nil {
					t.Fatal(err)
				}
			}
			row = append(row, text)
		}
		if event.Op == change.Reject || row == nil {
			t.Fatalf("%s decoded as %s: %s", record.Topic, event.Op, event.Reason)
		}
		key := event.Source.Name + "/" + row[0]
		if event.Op == change.Delete {
			delete(m.rows, key)
			continue
		}
		m.rows[key] = row
	}
}

func TestEventsTellWhatTheLibraryHas(t *testing.T) {
	library, err := NewLibrary(1, "library_1")
	if err != nil {
		t.Fatal(err)
	}
	m := &decodedModel{connectjson.NewDecoder(connectjson.Config{}), map[string][]string{}}
	now := time.Now()
	records, err := library.Snapshot(now)
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 20_000 {
		t.Errorf("the snapshot has %d rows, want 20,000", len(records))
	}
	m.apply(t, records)
	for range 2_000 {
		if records, err = library.Step(now); err != nil {
			t.Fatal(err)
		}
		m.apply(t, records)
	}
	if len(m.rows) != library.Rows() {
		t.Errorf("events make %d rows, the library has %d", len(m.rows), library.Rows())
	}
	for _, table := range library.orderedTables() {
		for key, row := range table.rows {
			want := make([]string, len(row))
			for i, value := range row {
				want[i] = "NULL"
				if value == nil {
					continue
				}
				if want[i], err = eventgen.FormatValue(table.definition.Columns[i].Kind, value); err != nil {
					t.Fatal(err)
				}
			}
			if got := m.rows[fmt.Sprint(table.definition.Name, "/", key)]; !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: events make %v, the library has %v", key, got, want)
			}
		}
	}
}
