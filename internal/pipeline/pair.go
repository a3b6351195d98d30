package pipeline

import (
	"fmt"
	"slices"

	"metadb/internal/change"
)

// A change of key comes as the delete of the old key and the insert of the new one, with
// one lsn. Values that the insert lacks are those under the old key, which are known once
// that delete has been read: it is the last record of the old key that precedes the
// insert, and its partition may be written seconds later. So the insert waits for it.

// newKeyHeader is the header of the delete of a change of key.
const newKeyHeader = "__debezium.newkey"

// unpairedLimit is how many intervals such an insert waits. Then it goes on, marked: it is
// set aside unless the table has what it lacks.
const unpairedLimit = 180

// earlierLimit is how many intervals it waits where its delete may have been applied before
// the run began: the table tells then, but not that the delete is still to come.
const earlierLimit = 30

// maxDeletes is how many deletes of changes of key a topic remembers at least. Their
// inserts follow, and may be sent again.
const maxDeletes = 5000

// pair notes the deletes of changes of key as they pass.
func (of *topic) pair(e *change.Event) {
	if of.partitions <= 1 || e.LSN == 0 || e.Op != change.Reject && !(e.Op == change.Delete && hasHeader(e, newKeyHeader)) {
		return
	}
	if of.deletes == nil || len(of.deletes) >= maxDeletes {
		of.olderDeletes, of.deletes = of.deletes, make(map[uint64]bool)
	}
	of.deletes[e.LSN], of.noDeletes = true, false
}

func hasHeader(e *change.Event, name string) bool {
	return slices.ContainsFunc(e.Record.Headers, func(h change.Header) bool { return h.Name == name })
}

// paired reports whether the delete that belongs to the head of a lane has been read in
// this run, or is the last that was read of a partition before it.
func (l *lane) paired(head *held) bool {
	if head.LSN == 0 || head.OldKey == nil || !l.ordered() || l.of.deletes[head.LSN] || l.of.olderDeletes[head.LSN] {
		return true
	}
	return slices.ContainsFunc(l.of.lanes, func(other *lane) bool { return other.stored == head.LSN })
}

// awaitsDelete reports whether the head of a lane waits for the delete that belongs to it.
// It does not where no other partition can bring that any more. Others do not wait for the
// head meanwhile: the delete may be behind them.
func (b *barrier) awaitsDelete(l *lane) bool {
	head := &l.queue[0]
	switch {
	case l.paired(head) || !head.Lacks() || l.of.noDeletes:
		return false
	case l.of.noEarlierDeletes && l.appliedBefore(head):
		return false
	case len(l.of.lanes) < l.of.partitions:
		return true
	}
	return slices.ContainsFunc(l.of.lanes, func(other *lane) bool { return other != l && !other.beyond(head) })
}

// beyond reports whether the partition has nothing any more that precedes an event at the source: the
// order of its records is that of source.sequence. Where that is not known the
// position that it had when the run began has to do.
func (l *lane) beyond(head *held) bool {
	if head.Commit > 0 && l.passedCommit > 0 {
		return l.passedCommit > head.Commit || l.passedCommit == head.Commit && l.passedLSN > head.LSN
	}
	return l.stored >= head.LSN
}

// appliedBefore reports whether the delete that belongs to the head may have been applied before the
// run began, from a partition that has come further. The table tells.
func (l *lane) appliedBefore(head *held) bool {
	return slices.ContainsFunc(l.of.lanes, func(other *lane) bool { return other.stored >= head.LSN })
}

// releaseUnpaired lets inserts go whose deletes have not come in time. It returns what may be
// collected, and the partitions of the inserts.
func (b *barrier) releaseUnpaired() (released []change.Partition, through []change.Event) {
	for _, l := range b.queued {
		if l.ends == nil || !b.awaitsDelete(l) {
			continue
		}
		l.unpaired++
		switch {
		case l.unpaired >= unpairedLimit:
			l.of.noDeletes, l.unpaired = true, 0
		case l.unpaired >= earlierLimit && l.appliedBefore(&l.queue[0]):
			l.of.noEarlierDeletes, l.unpaired = true, 0
		default:
			continue
		}
		released = append(released, l.Partition)
	}
	if released == nil {
		return nil, nil
	}
	return released, b.drain(nil)
}

// releaseUnpaired is called once in each interval.
func (p *pipeline) releaseUnpaired(b *batch) {
	released, through := p.barrier.releaseUnpaired()
	for _, part := range released {
		p.Logger.Warn(fmt.Sprintf("%s%s has changes of key whose deletes do not come: they go on without them", p.subject(), part))
	}
	p.admit(b, through)
}
