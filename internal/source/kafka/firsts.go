package kafka

import (
	"sync"

	"metadb/internal/change"
)

// Firsts has the offsets where partitions without a stored position began. A standby that
// took over may lag so far behind that it lacks the first position and all of the
// partition's rows: the group's committed offset would skip them. It outlives a Source,
// and is safe for concurrent use; the zero value is ready, a nil one stores nothing.
type Firsts struct {
	mu sync.Mutex
	at map[firstKey]first
}

type firstKey struct {
	group string
	change.Partition
}

type first struct {
	offset int64
	topic  change.TopicID
}

// recall returns the offset where a partition without a stored position began before. It
// reports false if that is unknown, or not before the group's committed offset, which is
// negative if there is none.
func (f *Firsts) recall(group string, part change.Partition, topic change.TopicID, committed int64) (offset int64, known bool) {
	if f == nil {
		return 0, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	first, known := f.at[firstKey{group, part}]
	return first.offset, known && first.topic == topic && first.offset < committed
}

// note stores the offset where a partition without a stored position begins.
func (f *Firsts) note(group string, b *change.Beginning) {
	if f == nil || !b.Fresh {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at == nil {
		f.at = make(map[firstKey]first)
	}
	f.at[firstKey{group, b.Partition}] = first{b.From, b.TopicID}
}
