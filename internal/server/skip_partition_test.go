package server

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/testbed"
)

// damagingCompressor makes batches that can't be unpacked.
type damagingCompressor struct{}

func (damagingCompressor) Compress(dst *bytes.Buffer, _ []byte, _ ...kgo.CompressFlag) ([]byte, kgo.CompressionCodecType) {
	dst.WriteString("no zstd frame")
	return dst.Bytes(), kgo.CodecZstd
}

// TestSkipUnreadableBatch checks that a damaged batch stops only its partition. The status is
// "error" with the command that skips the batch, and the skipped records are a gap.
func TestSkipUnreadableBatch(t *testing.T) {
	f := newTableFaultTest(t)
	damaging, err := kgo.NewClient(kgo.SeedBrokers(f.patron.broker.Address()), kgo.WithCompressor(damagingCompressor{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(damaging.Close)
	const topic = "sensor.library.patron"
	if err := damaging.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: bytes.Repeat([]byte("x"), 100)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	f.patron.change('u', 1, "Eve", "")
	const remedy = "skip partition " + topic + "/0 to offset 2 for data source sensor"
	f.awaitState(t, "error", remedy)
	for i := range 3 {
		f.loan.change('u', 1, fmt.Sprint(i), "")
		f.awaitText(t, loansNow, fmt.Sprintf("1=%d", i))
		f.awaitState(t, "error", remedy)
	}
	if strings.Contains(f.log.String(), "the stream goes on") {
		t.Error("the stream is said to go on")
	}
	command := regexp.MustCompile(`skip partition [^;]*`).FindString(f.admin(t, "list status")[0][8])
	for refused, want := range map[string]string{
		strings.Replace(command, "offset 2", "offset 1", 1):   "has been read up to offset 1 already",
		strings.Replace(command, "offset 2", "offset 200", 1): "ends at offset 3",
		strings.Replace(command, "/0", "/7", 1):               "there is no partition sensor.library.patron/7",
	} {
		if got := f.refused(t, refused); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", refused, got, want)
		}
	}
	f.admin(t, command)
	f.awaitText(t, current, "1=Eve")
	f.awaitState(t, "gap", "records of sensor.library.patron/0 before offset 2 were skipped by a command, 1 event is missing")
}

// TestBatchThatUnpacksTooLarge unpacks a few kilobytes to 200 MB. The record is rejected and
// stored without its value, a retry leaves it there, and the records after it are applied.
func TestBatchThatUnpacksTooLarge(t *testing.T) {
	const size = 200 << 20
	f := newTableFaultTest(t)
	large, err := testbed.NewProducer(f.patron.broker.Address(), kgo.ProducerBatchMaxBytes(2*size), kgo.BrokerMaxWriteBytes(4*size),
		kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(large.Close)
	if err := large.Write(t.Context(), eventgen.Record{Topic: "sensor.library.patron", Value: bytes.Repeat([]byte("x"), size)}); err != nil {
		t.Fatal(err)
	}
	f.patron.change('u', 1, "Eve", "")
	f.awaitText(t, current, "1=Eve")
	const aside = `SELECT "offset" || ' ' || (value IS NULL) || ' ' || kind FROM metadb.rejected_event WHERE reason ~ 'unpacks to more than 128 MB'`
	f.awaitText(t, aside, "1 true record")
	f.awaitState(t, "active", "")
	f.admin(t, "retry rejected events for data source sensor")
	f.awaitText(t, "SELECT count(*)::text FROM metadb.rejected_event", "1")
}
