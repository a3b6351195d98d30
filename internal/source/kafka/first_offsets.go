package kafka

import (
	"sync"

	"metadb/internal/change"
)

// FirstOffsets has the offsets where partitions without a stored position began. A standby that
// took over may lag so far behind that it lacks the first position and all of the
// partition's rows: the group's committed offset would skip them. It outlives a Source,
// and is safe for concurrent use; the zero value is ready, a nil one stores nothing.
type FirstOffsets struct {
	mu      sync.Mutex
	offsets map[firstKey]firstOffset
}

type firstKey struct {
	group string
	change.Partition
}

type firstOffset struct {
	offset int64
	topic  change.TopicID
}

// recallOffset returns the offset where a partition without a stored position began before. It
// reports false if that is unknown, or not before the group's committed offset, which is
// negative if there is none.
func (f *FirstOffsets) recallOffset(group string, part change.Partition, topic change.TopicID, committed int64) (offset int64, known bool) {
	if f == nil {
		return 0, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	first, known := f.offsets[firstKey{group, part}]
	return first.offset, known && first.topic == topic && first.offset < committed
}

// noteOffset stores the offset where a partition without a stored position begins.
func (f *FirstOffsets) noteOffset(group string, b *change.Assignment) {
	if f == nil || !b.Fresh {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.offsets == nil {
		f.offsets = make(map[firstKey]firstOffset)
	}
	f.offsets[firstKey{group, b.Partition}] = firstOffset{b.From, b.TopicID}
}
