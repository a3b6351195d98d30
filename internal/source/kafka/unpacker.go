package kafka

import (
	"cmp"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
)

// DefaultMaxRecordBytes is the default limit, in bytes, of a record and of the uncompressed
// size of a batch.
const DefaultMaxRecordBytes = 128 << 20

// largeBatchBytes is the uncompressed size, in bytes, from which on a batch counts toward the
// limit of all batches. The size of fetches bounds smaller ones.
const largeBatchBytes = 8 << 20

// errUnpackLimit is the error for a batch that would exceed the memory limit together with other
// large batches that are not decoded yet. The batch is fetched again.
var errUnpackLimit = errors.New("another large batch has not been read yet")

// unpacker bounds the memory of compressed batches, each and all together. A few kilobytes
// can uncompress to gigabytes.
//
// If the unpacker refuses a batch with kgo.ErrMaxDecompress, the client stops reading the
// partition and returns the batch's offsets. So every batch that can't be uncompressed is
// refused with that error, and the cause is kept here.
type unpacker struct {
	inner kgo.Decompressor
	// maxBytes bounds the memory of large batches together, in bytes.
	maxBytes int

	mu sync.Mutex
	// usedBytes is the memory of large batches that are not decoded yet, in bytes.
	usedBytes int
	// refused are failures of batches of a partition that is not known yet, by the
	// compressed size of the batch.
	refused map[int]error
	// failures has the last failure of each partition.
	failures map[change.Partition]unpackFailure
}

// unpackFailure is the cause of refusing a batch, with the batch's compressed size in bytes.
type unpackFailure struct {
	err  error
	sent int
}

var (
	_ kgo.Decompressor       = (*unpacker)(nil)
	_ kgo.HookFetchBatchRead = (*unpacker)(nil)
)

// newUnpacker returns an unpacker. It uses the bounded decompressor that a client makes with
// the option MaxDecompressBatchBytes.
func newUnpacker(client *kgo.Client, most int) (*unpacker, error) {
	inner, ok := client.OptValue(kgo.WithDecompressor).(kgo.Decompressor)
	if !ok {
		return nil, errors.New("make Kafka client: it has no decompressor")
	}
	return &unpacker{inner: inner, maxBytes: most, refused: make(map[int]error), failures: make(map[change.Partition]unpackFailure)}, nil
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
	case len(unpacked) < largeBatchBytes:
	case u.usedBytes > 0 && u.usedBytes+len(unpacked) > u.maxBytes:
		return nil, errUnpackLimit
	default:
		u.usedBytes += len(unpacked)
	}
	return unpacked, nil
}

// OnFetchBatchRead implements kgo.HookFetchBatchRead. The client calls it after each batch,
// refused ones included.
func (u *unpacker) OnFetchBatchRead(_ kgo.BrokerMetadata, topic string, partition int32, m kgo.FetchBatchMetrics) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.refused[m.CompressedBytes]; err != nil {
		delete(u.refused, m.CompressedBytes)
		u.failures[change.Partition{Topic: topic, Number: partition}] = unpackFailure{err: err, sent: m.CompressedBytes}
	}
}

// failureOf returns the failure of the last batch of a partition that was refused.
func (u *unpacker) failureOf(part change.Partition) unpackFailure {
	u.mu.Lock()
	defer u.mu.Unlock()
	failure := u.failures[part]
	failure.err = cmp.Or(failure.err, error(kgo.ErrMaxDecompress))
	return failure
}

// resetUsed resets the counted memory, after all batches have been decoded.
func (u *unpacker) resetUsed() {
	u.mu.Lock()
	u.usedBytes = 0
	u.mu.Unlock()
}

// oversizedEvents returns the events for a batch that would take too much memory: a rejected one
// without a value, and one that moves the position behind the batch.
func oversizedEvents(part change.Partition, from, next int64, sent, most int) []change.Event {
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
