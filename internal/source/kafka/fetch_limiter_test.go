package kafka

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestFetchLimiter(t *testing.T) {
	var asked []int32
	a := &fetchLimiter{setLimit: func(limit int32) { asked = append(asked, limit) }}
	for _, batch := range []struct{ sent, unpacked int }{
		{1000, 1000},  // not compressed: a lot
		{1000, 4000},  // less
		{1000, 2000},  // the highest ratio counts
		{1000, 50000}, // never less than the least
		{0, 0},        // a batch that can't be read says nothing
	} {
		a.OnFetchBatchRead(kgo.BrokerMetadata{}, "", 0, kgo.FetchBatchMetrics{CompressedBytes: batch.sent, UncompressedBytes: batch.unpacked})
	}
	want := []int32{maxFetchBytes, targetUnpackedBytes / 4, minFetchBytes}
	if fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
}

// TestCompressedRecordsComeInSmallPieces has 10 MB in a partition, compressed to
// 1 MB: a fetch of megabytes would return all of it at once.
func TestCompressedRecordsComeInSmallPieces(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.create(patron.Topic, 1)
	packing, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...),
		kgo.ProducerBatchCompression(kgo.ZstdCompression()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer packing.Close()
	const records, size = 100, 100 << 10
	value := make([]byte, size)
	random := rand.NewChaCha8([32]byte{})
	for range records {
		_, _ = random.Read(value[:size/10])
		if err := packing.ProduceSync(t.Context(), &kgo.Record{Topic: patron.Topic, Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	s := b.open("", &storedProgress{})
	defer s.Close()
	for got := 0; got < records; {
		delivery, err := s.Fetch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got += len(delivery.Events)
		if n := len(delivery.Events) * size; n > 2*targetUnpackedBytes {
			t.Errorf("%d KB came at once", n>>10)
		}
	}
}
