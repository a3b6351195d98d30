package kafka

import (
	"cmp"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
)

// DefaultMaxRecordBytes is how large a record, and what a batch unpacks to, may be where the
// configuration does not say.
const DefaultMaxRecordBytes = 128 << 20

// largeBatch is what a batch unpacks to, in bytes, from which on it is counted: fetches are asked
// for so that smaller ones take fetchUnpacked together.
const largeBatch = 8 << 20

// errCrowded says that a batch can't be unpacked while another large one has not been decoded.
// It is fetched again.
var errCrowded = errors.New("another large batch has not been read yet")

// unpacker bounds the memory that compressed batches take, one by one and together. A few
// kilobytes can unpack to gigabytes.
//
// The client stops reading a partition whose batch the unpacker refuses with
// kgo.ErrMaxDecompress, and says from where to where the batch goes. So every batch that can't be
// unpacked is refused with that error, and why is kept here.
type unpacker struct {
	inner kgo.Decompressor
	// most is how many bytes large batches may take together.
	most int

	mu sync.Mutex
	// taken is what large batches take that have not been decoded.
	taken int
	// refused are failures of batches whose partition is not known yet, by the size of the
	// batch as it was sent.
	refused map[int]error
	// failures are those of partitions.
	failures map[change.Partition]unpackFailure
}

// unpackFailure is why a batch can't be unpacked, and its size as it was sent.
type unpackFailure struct {
	err  error
	sent int
}

var (
	_ kgo.Decompressor       = (*unpacker)(nil)
	_ kgo.HookFetchBatchRead = (*unpacker)(nil)
)

// newUnpacker returns an unpacker. The bounded decompressor is the one that a client has made
// for itself with the option MaxDecompressBatchBytes.
func newUnpacker(client *kgo.Client, most int) (*unpacker, error) {
	inner, ok := client.OptValue(kgo.WithDecompressor).(kgo.Decompressor)
	if !ok {
		return nil, errors.New("make Kafka client: it has no decompressor")
	}
	return &unpacker{inner: inner, most: most, refused: make(map[int]error), failures: make(map[change.Partition]unpackFailure)}, nil
}

// Decompress implements kgo.Decompressor.
func (u *unpacker) Decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	if codec == kgo.CodecNone {
		return src, nil
	}
	unpacked, err := u.inner.Decompress(src, codec)
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case err != nil:
		u.refused[len(src)] = err
		return nil, kgo.ErrMaxDecompress
	case len(unpacked) < largeBatch:
	case u.taken > 0 && u.taken+len(unpacked) > u.most:
		return nil, errCrowded
	default:
		u.taken += len(unpacked)
	}
	return unpacked, nil
}

// OnFetchBatchRead implements kgo.HookFetchBatchRead: it is called after a batch was unpacked,
// or was not.
func (u *unpacker) OnFetchBatchRead(_ kgo.BrokerMetadata, topic string, partition int32, m kgo.FetchBatchMetrics) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.refused[m.CompressedBytes]; err != nil {
		delete(u.refused, m.CompressedBytes)
		u.failures[change.Partition{Topic: topic, Number: partition}] = unpackFailure{err: err, sent: m.CompressedBytes}
	}
}

// failure returns why the last batch of a partition that was refused can't be unpacked.
func (u *unpacker) failure(part change.Partition) unpackFailure {
	u.mu.Lock()
	defer u.mu.Unlock()
	failure := u.failures[part]
	failure.err = cmp.Or(failure.err, error(kgo.ErrMaxDecompress))
	return failure
}

// release says that everything that was unpacked has been decoded.
func (u *unpacker) release() {
	u.mu.Lock()
	u.taken = 0
	u.mu.Unlock()
}

// oversized returns the events that stand for a batch that would take too much memory: one that is
// set aside, without its value, and one that moves the position behind the batch.
func oversized(part change.Partition, from, next int64, sent, most int) []change.Event {
	at := func(offset int64) change.Position { return change.Position{Partition: part, Offset: offset} }
	reason := fmt.Sprintf("a batch of %d bytes unpacks to more than %d MB: set aside without its value", sent, most>>20)
	if next-from > 1 {
		reason += fmt.Sprintf(", with all records up to offset %d", next-1)
	}
	events := []change.Event{{Op: change.Reject, Reason: reason, Position: at(from)}}
	if next-from > 1 {
		events = append(events, change.Event{Position: at(next - 1)})
	}
	return events
}
