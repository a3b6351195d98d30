package kafka

import (
	"sync"

	"metadb/internal/change"
)

// Firsts remembers where partitions were begun that had no stored position. A standby
// that took over may be so far behind that it has not got the first one, and none of the
// partition's rows: what Kafka says of the group is too far then. It outlives a
// Source, and is safe for concurrent use; the zero Firsts is ready, a nil one remembers nothing.
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

// recall returns where a partition without a stored position was begun before. It
// reports whether that is before the offset that the group has, negative if it has none.
func (f *Firsts) recall(group string, part change.Partition, topic change.TopicID, committed int64) (offset int64, known bool) {
	if f == nil {
		return 0, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	first, known := f.at[firstKey{group, part}]
	return first.offset, known && first.topic == topic && first.offset < committed
}

// note notes where a partition without a stored position is begun.
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
