package kafka

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"metadb/internal/change"
)

// rawBatches fetches a partition's batches as bytes, from an offset on.
func (b *broker) rawBatches(topic string, offset int64) []byte {
	b.t.Helper()
	details, err := b.admin.ListTopics(b.t.Context(), topic)
	if err != nil {
		b.t.Fatal(err)
	}
	asked, of, part := kmsg.NewPtrFetchRequest(), kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	of.Topic, of.TopicID = topic, details[topic].ID
	part.FetchOffset, part.PartitionMaxBytes = offset, 1<<20
	of.Partitions = append(of.Partitions, part)
	asked.Topics = append(asked.Topics, of)
	answer, err := asked.RequestWith(b.t.Context(), b.client.Broker(int(details[topic].Partitions[0].Leader)))
	if err != nil {
		b.t.Fatal(err)
	}
	return answer.Topics[0].Partitions[0].RecordBatches
}

// serveRaw makes the broker answer fetches of its only partition with these batches.
func (b *broker) serveRaw(batches [][]byte, end int64) {
	b.cluster.ControlKey(int16(kmsg.Fetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		asked := request.(*kmsg.FetchRequest)                //nolint:errcheck,forcetypeassert // kfake calls it for this kind
		answer := asked.ResponseKind().(*kmsg.FetchResponse) //nolint:errcheck,forcetypeassert // as above
		answer.Version = asked.Version
		for _, topic := range asked.Topics {
			of, part := kmsg.NewFetchResponseTopic(), kmsg.NewFetchResponseTopicPartition()
			of.Topic, of.TopicID = topic.Topic, topic.TopicID
			part.HighWatermark, part.LastStableOffset, part.LogStartOffset = end, end, 0
			for _, batch := range batches {
				last := int64(binary.BigEndian.Uint64(batch)) + int64(binary.BigEndian.Uint32(batch[batchLastDeltaAt:]))
				if last >= topic.Partitions[0].FetchOffset {
					part.RecordBatches = append(part.RecordBatches, batch...)
				}
			}
			of.Partitions = append(of.Partitions, part)
			answer.Topics = append(answer.Topics, of)
		}
		return answer, nil, true
	})
}

// splitBatches cuts bytes into record batches.
func splitBatches(raw []byte) (batches [][]byte) {
	for len(raw) > 0 {
		n := batchPrefix + int(binary.BigEndian.Uint32(raw[batchLengthAt:]))
		batches, raw = append(batches, slices.Clone(raw[:n])), raw[n:]
	}
	return batches
}

// TestDamagedChecksum expects the command in the error to skip the whole batch, whether another one follows
// it or not.
func TestDamagedChecksum(t *testing.T) {
	for name, follows := range map[string]bool{"followed": true, "the last": false} {
		t.Run(name, func(t *testing.T) {
			b := startBroker(t)
			const topic = "library.patron"
			b.create(topic, 1)
			b.produce(topic, 0, 1)
			b.write(notPacked{}, value(topic, 0, 10), value(topic, 0, 20), value(topic, 0, 30))
			end := int64(4)
			if follows {
				b.produce(topic, 0, 1)
				end++
			}
			batches := splitBatches(b.rawBatches(topic, 0))
			if len(batches) != int(end)-2 {
				t.Fatalf("%d batches", len(batches))
			}
			batches[1][len(batches[1])-1] ^= 1
			b.serveRaw(batches, end)

			stored := &storedProgress{}
			s := b.newBounded(stored)
			fetchAll(t, s, 1)
			var unreadable *UnreadableError
			for !errors.As(s.stoppedError(), &unreadable) {
				if _, err := s.Fetch(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			const remedy = "skip partition library.patron/0 to offset 4 for data source sensor;"
			if unreadable.Offset != 1 || !unreadable.EndKnown || unreadable.Remedy() != remedy || strings.Contains(unreadable.Error(), "or to a later offset") {
				t.Errorf("got %v", unreadable)
			}
			s.Close()
			if !follows {
				return
			}
			stored.store(change.Partition{Topic: topic}, change.PartitionProgress{Next: unreadable.Next})
			events, stopped := fetchAll(t, b.openBounded(stored), 1)
			if stopped != nil || events[0].Position.Offset != 4 {
				t.Errorf("got %s, stopped: %v", events[0].Position, stopped)
			}
		})
	}
}

// TestBatchEnd expects a damaged header to be used only within the bounds of the next batch and the partition's end.
func TestBatchEnd(t *testing.T) {
	batch := func(base int64, lastDelta int32) []byte {
		raw := make([]byte, 100)
		binary.BigEndian.PutUint64(raw, uint64(base))
		binary.BigEndian.PutUint32(raw[batchLengthAt:], uint32(len(raw)-batchPrefix))
		raw[batchMagicAt] = batchMagic
		binary.BigEndian.PutUint32(raw[batchLastDeltaAt:], uint32(lastDelta))
		return raw
	}
	old := batch(10, 4)
	old[batchMagicAt] = 1
	for name, test := range map[string]struct {
		raw         []byte
		offset, end int64
		want        int64
	}{
		"alone":                           {batch(10, 4), 10, 20, 15},
		"to the end":                      {batch(10, 9), 10, 20, 20},
		"from its middle":                 {batch(10, 4), 12, 20, 15},
		"with another one":                {append(batch(10, 4), batch(15, 0)...), 10, 20, 15},
		"with one after a gap":            {append(batch(10, 4), batch(18, 0)...), 10, 20, 15},
		"the header says too much":        {append(batch(10, 90), batch(15, 0)...), 10, 20, 15},
		"the header says a negative":      {append(batch(10, -7), batch(15, 0)...), 10, 20, 15},
		"too much, alone":                 {batch(10, 90), 10, 20, 0},
		"the next one is no batch":        {append(batch(10, 90), make([]byte, 100)...), 10, 20, 0},
		"the next one has a wrong offset": {append(batch(10, 90), batch(7, 0)...), 10, 20, 0},
		"cut off":                         {batch(10, 4)[:40], 10, 20, 0},
		"an older format":                 {old, 10, 20, 0},
		"nothing":                         {nil, 10, 20, 0},
	} {
		if got := batchEnd(test.raw, test.offset, test.end); got != test.want {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
	}
}
