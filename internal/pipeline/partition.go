package pipeline

import "metadb/internal/change"

// partitions keeps how far each partition has been collected.
type partitions struct {
	states map[change.Partition]*partition
}

// partition is the state of one partition.
type partition struct {
	change.Partition
	fresh bool
	// again is the offset before which records may be read again, whatever the
	// marks say.
	again int64
	// taken is the mark at which the last batch ended, now the one behind
	// the last event collected.
	taken, now change.Mark
}

func newPartitions() partitions {
	return partitions{states: make(map[change.Partition]*partition)}
}

// begin takes up a partition.
func (p *partitions) begin(b change.Beginning) {
	state := &partition{Partition: b.Partition, fresh: b.Fresh, again: b.Again, taken: b.Stored}
	if b.Fresh {
		state.taken.Next = b.From
	}
	state.now = state.taken
	state.now.Next, state.now.TopicID = b.From, b.TopicID
	if b.TopicID != b.Stored.TopicID {
		state.now.Reached = b.From // offsets begin anew
	}
	p.states[b.Partition] = state
}

// end drops a partition.
func (p *partitions) end(part change.Partition) { delete(p.states, part) }

// collect moves the partition past an event, and marks the event where it is
// suspected to be a repetition. It reports whether the event is
// still to be applied: not if its partition is not ours, or if it has been
// delivered already.
func (p *partitions) collect(e *change.Event) bool {
	state, ours := p.states[e.Position.Partition]
	if !ours || e.Position.Offset < state.now.Next {
		return false
	}
	mark := &state.now
	mark.Next = e.Position.Offset + 1
	readAgain := mark.Next <= max(mark.Reached, state.again)
	mark.Reached = max(mark.Reached, mark.Next)
	if e.Op != change.Upsert && e.Op != change.Delete && e.Op != change.Truncate {
		return true
	}
	if e.Snapshot == change.Incremental {
		e.Suspect = readAgain // it has no lsn of its own
		return true
	}
	e.Overtaken = e.Op == change.Truncate && p.overtaken(e)
	e.Suspect = e.Overtaken || mark.Suspects(e) || e.Position.Offset < state.again
	mark.Raise(e)
	return true
}

// overtaken reports whether another partition of the topic has shown an event
// that follows e at the source. Like a repeated truncate, one that was overtaken
// must leave alone what began after it. The barrier keeps changes in their order, as far as
// the partitions are read here: what remains are rows that a snapshot has read, and partitions
// that come from another member of the group. What
// ended only then, because of what follows, ends with it all the same.
func (p *partitions) overtaken(e *change.Event) bool {
	for _, other := range p.states {
		if other.Topic == e.Position.Partition.Topic && other.Partition != e.Position.Partition && max(other.now.HighLSN, other.now.SnapshotLSN) > e.LSN {
			return true
		}
	}
	return false
}

// take returns the spans that were collected since it was last called.
func (p *partitions) take() []change.Span {
	var spans []change.Span
	for _, state := range p.states {
		if state.now == state.taken {
			continue
		}
		spans = append(spans, change.Span{Partition: state.Partition, Fresh: state.fresh, From: state.taken, To: state.now})
		state.taken, state.fresh = state.now, false
	}
	return spans
}

// moved reports whether any partition has moved since take was last called.
func (p *partitions) moved() bool {
	for _, state := range p.states {
		if state.now != state.taken {
			return true
		}
	}
	return false
}
