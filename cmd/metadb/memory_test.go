package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"metadb/internal/eventgen"
)

// mostMemory is what the server may have resident with the defaults.
const mostMemory = 200 << 10 // KiB

// TestMemory streams rows that are so large that a batch counted in events
// would not fit.
func TestMemory(t *testing.T) {
	const rows, size = 300, 400 << 10
	db, m := install(t)
	n := newNumbers(t)
	encoder, err := eventgen.NewEncoder(eventgen.Table{
		Prefix: "sensor", Schema: "library", Name: "number", Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "n", Kind: eventgen.Text}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		record, err := encoder.Encode(eventgen.Change{
			Op: 'c', Row: []any{int64(i), strings.Repeat(fmt.Sprintf("%08d", i), size/8)}, LSN: uint64(i+1) * 8, TxID: int64(i),
			Time: time.Date(2026, 3, 1, 0, 0, i, 0, time.UTC),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := n.producer.Write(t.Context(), record); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Exec(t.Context(), fmt.Sprintf(
		`create data source s type kafka options (brokers '%s', security 'plaintext', topics '^sensor\.', consumer_group 'g')`,
		n.broker.Address())); err != nil {
		t.Fatal(err)
	}
	awaitVersions(t, db, rows, 60*time.Second)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid(t, m)))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var peak int
	if _, err := fmt.Sscan(rest, &peak); err != nil {
		t.Fatalf("read the peak: %v", err)
	}
	t.Logf("peak of %d MiB", peak>>10)
	if peak > mostMemory {
		t.Errorf("the server had %d MiB", peak>>10)
	}
}
