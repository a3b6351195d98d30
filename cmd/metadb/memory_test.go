package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/testbed"
)

// mostMemory bounds the server's resident memory with the defaults.
const mostMemory = 200 << 10 // KiB

// TestMemory streams rows that are so large that a batch limited only by the number of events
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
	awaitVersions(t, db, rows, pace.Hang)
	expectPeak(t, m, mostMemory)
}

// expectPeak checks the server's peak of resident memory, in KiB.
func expectPeak(t *testing.T, m *testbed.Metadb, most int) {
	t.Helper()
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
	if peak > most {
		t.Errorf("the server had %d MiB, more than %d", peak>>10, most>>10)
	}
}

// TestMemoryOfPackedBatches unpacks five batches of a few kilobytes to 120 MB each, which is
// below the limit for one. Together they take no more than the memory limit (1 GB unless set) and
// 512 MB.
func TestMemoryOfPackedBatches(t *testing.T) {
	const batches, size, most = 5, 120 << 20, (1024 + 512) << 10
	db, m := install(t)
	n := newNumbers(t)
	packing, err := testbed.NewProducer(n.broker.Address(), kgo.ProducerBatchMaxBytes(2*size), kgo.BrokerMaxWriteBytes(4*size),
		kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(packing.Close)
	value := bytes.Repeat([]byte("x"), size)
	for i := range batches {
		if err := packing.Write(t.Context(), eventgen.Record{Topic: fmt.Sprint("sensor.library.packed", i), Value: value}); err != nil {
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
	err = testbed.Eventually(t.Context(), pace.Hang, "set the records aside", func() error {
		var aside int
		const question = "SELECT count(*) FROM metadb.rejected_event WHERE octet_length(value) = $1"
		if err := db.Pool.QueryRow(t.Context(), question, size).Scan(&aside); err != nil || aside == batches {
			return err
		}
		return fmt.Errorf("%d of %d", aside, batches)
	})
	if err != nil {
		t.Fatal(err)
	}
	expectPeak(t, m, most)
}
