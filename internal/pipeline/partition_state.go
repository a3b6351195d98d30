package pipeline

import (
	"slices"

	"metadb/internal/change"
)

// partitionStates has the progress of each partition up to the last collected event.
type partitionStates struct {
	states map[change.Partition]*partitionState
	// lanes has the partitions of each lane.
	lanes map[change.Lane]*lanePartitions
	// last is the partition of the last event, nil after one was revoked.
	last *partitionState
}

// lanePartitions are the partitions of a lane that are read.
type lanePartitions struct{ all []*partitionState }

// partitionState is the state of one partition.
type partitionState struct {
	change.Partition
	// lane has all partitions of its lane, with this one.
	lane  *lanePartitions
	fresh bool
	// replayedBefore is the offset before which records may have been applied, although the
	// stored progress does not show it.
	replayedBefore int64
	// spanStart is the progress at the end of the last batch, current the progress
	// behind the last collected event.
	spanStart, current change.PartitionProgress
	// restarts are the restart points that follow the current one, in their order.
	restarts []change.RestartPoint
}

func newPartitions() partitionStates {
	return partitionStates{states: make(map[change.Partition]*partitionState), lanes: make(map[change.Lane]*lanePartitions)}
}

// assignPartition adds a partition that is read from now on.
func (p *partitionStates) assignPartition(b change.Assignment) {
	p.revokePartition(b.Partition)
	state := &partitionState{Partition: b.Partition, fresh: b.Fresh, replayedBefore: b.ReplayedBefore, spanStart: b.Stored}
	if b.Fresh {
		state.spanStart.Next = b.From
	}
	state.current = state.spanStart
	state.current.Recent, state.current.Transactions = slices.Clone(state.spanStart.Recent), slices.Clone(state.spanStart.Transactions)
	state.current.Next, state.current.TopicID = b.From, b.TopicID
	if b.TopicID != b.Stored.TopicID {
		state.current.MaxNext = b.From // offsets begin anew
	}
	p.states[b.Partition] = state
	if state.lane = p.lanes[b.Partition.Lane()]; state.lane == nil {
		state.lane = &lanePartitions{}
		p.lanes[b.Partition.Lane()] = state.lane
	}
	state.lane.all = append(state.lane.all, state)
}

// revokePartition removes a partition.
func (p *partitionStates) revokePartition(part change.Partition) {
	state, ours := p.states[part]
	if !ours {
		return
	}
	delete(p.states, part)
	p.last = nil
	state.lane.all = slices.DeleteFunc(state.lane.all, func(other *partitionState) bool { return other == state })
}

// addRestarts adds places where reading can begin again. Those that the partition has passed already
// become part of its progress.
func (p *partitionStates) addRestarts(restarts []change.Restart) {
	for _, restart := range restarts {
		if state, ours := p.states[restart.Partition]; ours {
			state.restarts = append(state.restarts, restart.Point)
			state.passRestarts()
		}
	}
}

// passRestarts sets the restart point of the current progress: the last one that is not after it.
func (p *partitionState) passRestarts() {
	for len(p.restarts) > 0 && p.restarts[0].Offset <= p.current.Next {
		p.current.Restart = p.restarts[0]
		p.restarts = p.restarts[1:]
	}
}

// advancePast advances the partition past an event, and marks an event that is,
// or may be, a repetition. It returns false for an event that must not be applied:
// its partition is not assigned, or it has been delivered before.
func (p *partitionStates) advancePast(e *change.Event) bool {
	state := p.last
	if state == nil || state.Partition != e.Position.Partition {
		state = p.states[e.Position.Partition]
		p.last = state
	}
	if state == nil || e.Position.Offset < state.current.Next {
		return false
	}
	mark := &state.current
	mark.Next = e.Position.Offset + 1
	readAgain := mark.Next <= max(mark.MaxNext, state.replayedBefore)
	mark.MaxNext = max(mark.MaxNext, mark.Next)
	switch e.Snapshot {
	case change.Streamed:
		e.CommittedAfter = max(e.Commit, mark.SnapshotLSN)
	case change.Incremental:
		e.CommittedAfter = mark.HighLSN
	}
	if e.IsUndated() {
		e.NotBefore = mark.LatestTime()
	}
	switch {
	case e.Op == change.Ignore || e.Op == change.Reject && e.LSN == 0:
	case e.Snapshot != change.Streamed:
		e.Suspect = readAgain || e.Snapshot != change.Incremental && state.lane.isRowSuspect(e)
		mark.AdvanceSnapshot(e)
	default:
		state.judgeChange(e, readAgain)
	}
	return true
}

// isRowSuspect reports whether a row of a snapshot may have been sent before, to any
// partition of its lane, since partitions may have been added.
func (l *lanePartitions) isRowSuspect(e *change.Event) bool {
	return slices.ContainsFunc(l.all, func(of *partitionState) bool { return of.current.SuspectsRow(e) })
}

// judgeChange decides whether a change has been applied before. Records that are read again
// after the position was moved back have been, unless the database lost them: if the change's
// position does not decide, the versions of its key do.
func (p *partitionState) judgeChange(e *change.Event, readAgain bool) {
	siblings, key := p.lane.all, change.KeyHash(e)
	verdict := change.New
	if e.LSN > 0 {
		verdict = p.current.Judge(e, key)
	}
	above := verdict == change.New
	if above && len(siblings) > 1 && e.LSN > 0 {
		verdict = p.judgeInSiblings(e, key)
	}
	if e.Op == change.Reject {
		e.Repeated = verdict == change.Repeated
		return // its position is not reliable
	}
	if above {
		p.current.Advance(e, key, verdict, len(siblings) == 1)
	}
	// A truncate has no key: after a crash, a connector may repeat it in another partition
	// that already has later events. The stored truncates of the table decide whether it has
	// been applied.
	again := e.Op == change.Truncate && verdict == change.Repeated && len(siblings) > 1 && e.LSN > 0
	if again {
		verdict = change.PossiblyRepeated
	}
	e.Overtaken = again || e.Op == change.Truncate && verdict != change.Repeated && p.isOvertaken(e)
	e.Repeated = verdict == change.Repeated
	e.Suspect = verdict != change.New || readAgain || e.Overtaken
}

// judgeInSiblings decides whether a change that is new to its own partition repeats one of
// another partition.
func (p *partitionState) judgeInSiblings(e *change.Event, key uint64) change.Verdict {
	verdict, late := change.New, false
	for _, other := range p.lane.all {
		if other == p {
			continue
		}
		verdict, late = max(verdict, other.current.JudgeElsewhere(e, key)), late || other.current.HasLaterChange(e, key)
	}
	if verdict == change.PossiblyRepeated && !late && p.current.HasEarlierChange(e, key) {
		return change.New
	}
	return verdict
}

// isOvertaken reports whether an event that follows e at the source was read before in
// another partition of the lane. An overtaken truncate, like a repeated one, must not end
// versions that began after it. The order gate prevents that for changes in partitions that
// are read here; it remains possible for snapshot rows, and for partitions that another
// member of the group has read. Versions that a later event ended are ended by the truncate
// all the same.
func (p *partitionState) isOvertaken(e *change.Event) bool {
	return slices.ContainsFunc(p.lane.all, func(other *partitionState) bool {
		return other != p && max(other.current.HighLSN, other.current.SnapshotLSN) > e.LSN
	})
}

// takeSpans returns the spans since its last call.
func (p *partitionStates) takeSpans() []change.Span {
	var spans []change.Span
	for _, state := range p.states {
		state.passRestarts()
		if !state.hasMoved() {
			continue
		}
		from := state.spanStart
		state.spanStart = state.current
		state.spanStart.Recent, state.spanStart.Transactions = slices.Clone(state.current.Recent), slices.Clone(state.current.Transactions)
		spans = append(spans, change.Span{Partition: state.Partition, Fresh: state.fresh, From: from, To: state.spanStart})
		state.fresh = false
	}
	return spans
}

// hasMoved reports whether any partition has advanced since the last call of takeSpans.
func (p *partitionStates) hasMoved() bool {
	for _, state := range p.states {
		if state.hasMoved() {
			return true
		}
	}
	return false
}

// hasMoved reports whether the partition has advanced since its last span.
func (p *partitionState) hasMoved() bool {
	return p.current.Next != p.spanStart.Next || p.current.Restart != p.spanStart.Restart || p.current.MaxNext != p.spanStart.MaxNext || p.current.TopicID != p.spanStart.TopicID
}
