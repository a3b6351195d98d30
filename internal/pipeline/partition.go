package pipeline

import (
	"slices"

	"metadb/internal/change"
)

// partitions keeps how far each partition has been collected.
type partitions struct {
	states map[change.Partition]*partition
	// topics has the partitions of each topic.
	topics map[string][]*partition
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
	return partitions{states: make(map[change.Partition]*partition), topics: make(map[string][]*partition)}
}

// begin takes up a partition.
func (p *partitions) begin(b change.Beginning) {
	p.end(b.Partition)
	state := &partition{Partition: b.Partition, fresh: b.Fresh, again: b.Again, taken: b.Stored}
	if b.Fresh {
		state.taken.Next = b.From
	}
	state.now = state.taken
	state.now.Recent, state.now.Transactions = slices.Clone(state.taken.Recent), slices.Clone(state.taken.Transactions)
	state.now.Next, state.now.TopicID = b.From, b.TopicID
	if b.TopicID != b.Stored.TopicID {
		state.now.Reached = b.From // offsets begin anew
	}
	p.states[b.Partition] = state
	p.topics[b.Partition.Topic] = append(p.topics[b.Partition.Topic], state)
}

// end drops a partition.
func (p *partitions) end(part change.Partition) {
	state, ours := p.states[part]
	if !ours {
		return
	}
	delete(p.states, part)
	p.topics[part.Topic] = slices.DeleteFunc(p.topics[part.Topic], func(other *partition) bool { return other == state })
}

// collect moves the partition past an event, and marks the event where it
// is, or may be, one that was sent before. It reports whether the event is
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
	if e.Snapshot == change.Streamed {
		e.CommittedAfter = max(e.Commit, mark.SnapshotLSN)
	}
	if e.IsUndated() {
		e.NotBefore = mark.LatestTime()
	}
	switch {
	case e.Op == change.Ignore || e.Op == change.Reject && e.LSN == 0:
	case e.Snapshot != change.Streamed:
		e.Suspect = readAgain || e.Snapshot != change.Incremental && p.suspectsRow(state.Topic, e)
		mark.RaiseRow(e)
	default:
		p.judge(state, e, readAgain)
	}
	return true
}

// suspectsRow reports whether a row of a snapshot may have been sent before, to whichever
// partition of its topic: partitions may have been added.
func (p *partitions) suspectsRow(topic string, e *change.Event) bool {
	return slices.ContainsFunc(p.topics[topic], func(of *partition) bool { return of.now.SuspectsRow(e) })
}

// judge says of a change whether it has been applied before. What is read again because the
// position was moved back has, but for what the database forgot: where the position of the change
// does not tell, its key's versions do.
func (p *partitions) judge(state *partition, e *change.Event, readAgain bool) {
	siblings, key := p.topics[state.Topic], change.KeyHash(e)
	verdict := change.New
	if e.LSN > 0 {
		verdict = state.now.Judge(e, key)
	}
	above := verdict == change.New
	if above && len(siblings) > 1 && e.LSN > 0 {
		verdict = elsewhere(state, siblings, e, key)
	}
	if e.Op == change.Reject {
		e.Repeated = verdict == change.Repeated
		return // what its position says can't be relied on
	}
	if above {
		state.now.Raise(e, key, verdict, len(siblings) == 1)
	}
	// A truncate has no key: one that a connector lost when it crashed may be sent again to
	// another partition, which shows what follows it already. The table knows whether it has
	// been applied.
	again := e.Op == change.Truncate && verdict == change.Repeated && len(siblings) > 1 && e.LSN > 0
	if again {
		verdict = change.Doubtful
	}
	e.Overtaken = again || e.Op == change.Truncate && verdict != change.Repeated && p.overtaken(e)
	e.Repeated = verdict == change.Repeated
	e.Suspect = verdict != change.New || readAgain || e.Overtaken
}

// elsewhere says whether a change that is new to its own partition has come in another one
// before.
func elsewhere(state *partition, siblings []*partition, e *change.Event, key uint64) change.Verdict {
	verdict, late := change.New, false
	for _, other := range siblings {
		if other == state {
			continue
		}
		verdict, late = max(verdict, other.now.JudgeElsewhere(e, key)), late || other.now.ChangedLater(e, key)
	}
	if verdict == change.Doubtful && !late && state.now.ChangedSince(e, key) {
		return change.New
	}
	return verdict
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
		if !state.moved() {
			continue
		}
		from := state.taken
		state.taken = state.now
		state.taken.Recent, state.taken.Transactions = slices.Clone(state.now.Recent), slices.Clone(state.now.Transactions)
		spans = append(spans, change.Span{Partition: state.Partition, Fresh: state.fresh, From: from, To: state.taken})
		state.fresh = false
	}
	return spans
}

// moved reports whether any partition has moved since take was last called.
func (p *partitions) moved() bool {
	for _, state := range p.states {
		if state.moved() {
			return true
		}
	}
	return false
}

// moved reports whether the partition has moved since its mark was taken last.
func (p *partition) moved() bool {
	return p.now.Next != p.taken.Next || p.now.Reached != p.taken.Reached || p.now.TopicID != p.taken.TopicID
}
