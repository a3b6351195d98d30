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
	// taken is the mark at which the last batch ended, now the one behind
	// the last event collected.
	taken, now change.Mark
}

func newPartitions() partitions {
	return partitions{states: make(map[change.Partition]*partition)}
}

// begin takes up a partition.
func (p *partitions) begin(b change.Beginning) {
	state := &partition{Partition: b.Partition, fresh: b.Fresh, taken: b.Stored}
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
	readAgain := mark.Next <= mark.Reached
	mark.Reached = max(mark.Reached, mark.Next)
	if e.Op != change.Upsert && e.Op != change.Delete && e.Op != change.Truncate {
		return true
	}
	if e.Snapshot == change.Incremental {
		e.Suspect = readAgain // it has no lsn of its own
		return true
	}
	e.Overtaken = e.Op == change.Truncate && p.overtaken(e)
	e.Suspect = e.Overtaken || suspect(mark, e)
	mark.HighLSN = max(mark.HighLSN, e.LSN)
	mark.HighTime = max(mark.HighTime, e.Time)
	return true
}

// suspect reports whether an event may be one that was sent before: it is above
// neither the highest lsn nor the highest time of its partition. The rows of one
// snapshot share their lsn, and its repetition has another one, so that they are
// not suspect for being alike. Nor is the insert of a change of key, which has the
// lsn of its delete: where both are repeated, and nothing came after them, the
// row is what it is.
func suspect(mark *change.Mark, e *change.Event) bool {
	if e.LSN == 0 || e.Time > mark.HighTime || e.LSN > mark.HighLSN {
		return false
	}
	return e.Snapshot == change.Streamed && e.OldKey == nil || e.LSN < mark.HighLSN
}

// overtaken reports whether another partition of the topic has shown an event
// that follows e at the source. Like a repeated truncate, one that was overtaken
// must leave alone what began after it: the barrier holds it back until all that
// comes before it is there, but it can't call back what was applied already. What
// ended only then, because of what follows, ends with it all the same.
func (p *partitions) overtaken(e *change.Event) bool {
	for _, other := range p.states {
		if other.Topic == e.Position.Partition.Topic && other.Partition != e.Position.Partition && other.now.HighLSN > e.LSN {
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
