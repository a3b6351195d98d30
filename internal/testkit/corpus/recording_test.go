package corpus_test

import (
	"testing"

	"metadb/internal/testkit/corpus"
)

func TestScenariosAreReadable(t *testing.T) {
	scenarios := corpus.Scenarios(t)
	if len(scenarios) != 22 {
		t.Errorf("got %d scenarios, want 22: %v", len(scenarios), scenarios)
	}
	for _, scenario := range scenarios {
		if len(corpus.Events(t, scenario)) == 0 {
			t.Errorf("%s has no events", scenario)
		}
		if len(corpus.SourceRows(t, scenario)) == 0 {
			t.Errorf("%s has no rows at the source", scenario)
		}
	}
}

func TestRecordIsRead(t *testing.T) {
	record := corpus.Events(t, "types")[0]
	if record.Topic != "metadb_types_1.fam.binary_" || record.Millis != 1795343897571 {
		t.Errorf("got topic %q, time %d", record.Topic, record.Millis)
	}
	if len(record.Headers) != 4 || record.Headers[1].Name != "__debezium.context.taskId" || string(record.Headers[1].Value) != "0" {
		t.Errorf("got headers %v", record.Headers)
	}
	if record.Key[0] != '{' || record.Value[0] != '{' {
		t.Errorf("got key %q, value %q", record.Key, record.Value)
	}
	row := corpus.SourceRows(t, "types")[0]
	if row.Schema != "fam" || row.Table != "binary_" || *row.Text["bi1"] != "1" || string(row.JSON["id"]) != "1" {
		t.Errorf("got row %v", row)
	}
}
