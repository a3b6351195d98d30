package server

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/testbed"
)

// TestManyBadRecords checks that 100,000 bad records in a row are all stored, do not fill the
// log, and that the good record after them is applied.
func TestManyBadRecords(t *testing.T) {
	const bad, most = 100_000, 60
	i, f := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, f.source())
	f.change('c', 1, "Ada", "")
	r.awaitText(t, current, "1=Ada")
	record := eventgen.Record{Topic: "sensor.library.patron", Key: []byte("{"), Value: []byte(`{"schema":{},"payload":`)}
	f.producer.Send(t.Context(), func(err error) { t.Error(err) }, slicesOf(record, bad)...)
	if err := f.producer.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.change('u', 1, "Eve", "")
	r.awaitText(t, current, "1=Eve")
	r.awaitText(t, "SELECT count(*)::text FROM metadb.rejected_event", fmt.Sprint(bad))
	r.awaitState(t, "active", "")
	if n := strings.Count(r.log.String(), "\n"); n > most {
		t.Errorf("the log has %d lines", n)
	}
}

func slicesOf(record eventgen.Record, n int) []eventgen.Record {
	records := make([]eventgen.Record, n)
	for i := range records {
		records[i] = record
	}
	return records
}

// TestHugeRecords checks that a bad record of 100 MB is rejected, a good one is applied, and that
// the records after them are applied.
func TestHugeRecords(t *testing.T) {
	const size = 100 << 20
	i, f := install(t), newFeed(t)
	large, err := testbed.NewProducer(f.broker.Address(), kgo.ProducerBatchMaxBytes(2*size), kgo.BrokerMaxWriteBytes(4*size))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(large.Close)
	f.producer = large
	r := i.start(t)
	r.admin(t, f.source())
	f.change('c', 1, "Ada", "")
	nonsense := eventgen.Record{Topic: "sensor.library.patron", Key: []byte("{"), Value: bytes.Repeat([]byte("["), size)}
	if err := large.Write(t.Context(), nonsense); err != nil {
		t.Fatal(err)
	}
	f.change('c', 2, strings.Repeat("x", size), "")
	f.change('c', 3, "Eve", "")
	r.awaitText(t, "SELECT string_agg(id || '=' || length(name), ' ' ORDER BY id) FROM library.patron", fmt.Sprintf("1=3 2=%d 3=3", size))
	r.awaitText(t, "SELECT length(value)::text FROM metadb.rejected_event", fmt.Sprint(size))
	r.awaitState(t, "active", "")
}
