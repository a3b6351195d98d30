package oracle_test

import (
	"context"
	"errors"
	"sync"

	"metadb/internal/change"
	"metadb/internal/target/checkpoint"
)

// apply applies the events as one batch, which must succeed: each table by the side that
// is chosen for it, both sides in parallel. A side with an injected failure is applied
// before the other one starts, so that the failure hits the same statement each time.
func (b *testBench) apply(t reporter, events []change.Event, first failure) {
	t.Helper()
	batch := b.batch(events)
	var outcomes [2]change.Outcome
	var errs [2]error
	var busy sync.WaitGroup
	for side, share := range b.splitBySide(batch) {
		switch {
		case share == nil:
		case first.any():
			outcomes[side], errs[side] = b.applyAfterFailure(t, side, share, first)
			first = failure{}
		default:
			busy.Go(func() { outcomes[side], errs[side] = b.appliers[side].Apply(context.Background(), share) })
		}
	}
	busy.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatalf("apply: %v", err)
	}
	for _, outcome := range outcomes {
		if outcome.Rejected > 0 {
			t.Fatalf("rejected: %+v", outcome.Rejections)
		}
	}
	for _, span := range batch.Spans {
		b.marks[span.Partition] = span.To
	}
	for i := range events {
		b.readEvent(&events[i])
	}
}

// readEvent applies an event to the oracle, as a repetition if the source has sent it before.
func (b *testBench) readEvent(e *change.Event) {
	one := sentChange{e.Table, e.Op, e.LSN, e.Origin, string(e.Row)}
	if b.sent[one] {
		b.oracle.ApplyRepeated(e)
		return
	}
	b.sent[one] = true
	b.oracle.Apply(e)
}

// applyAfterFailure applies a batch after a first try with an injected failure.
func (b *testBench) applyAfterFailure(t reporter, side int, batch *change.Batch, first failure) (change.Outcome, error) {
	t.Helper()
	outcome, err := b.appliers[side].Apply(b.fault.arm(context.Background(), first), batch)
	b.fault.disarm()
	if err == nil {
		return outcome, nil
	}
	if first.crash {
		b.crash(t)
	}
	outcome, err = b.appliers[side].Apply(context.Background(), batch)
	if errors.Is(err, checkpoint.ErrFenced) { // an answer to the commit that was lost
		b.crash(t)
		err = nil
	}
	return outcome, err
}

// splitBySide splits a batch into the parts of the two sides, by table, with the positions; nil is
// an empty part.
func (b *testBench) splitBySide(batch *change.Batch) (shares [2]*change.Batch) {
	of := make(map[string]*change.Batch)
	for _, e := range batch.Events {
		side := b.side(e.Table)
		if shares[side] == nil {
			shares[side] = &change.Batch{Source: batch.Source}
		}
		of[e.Position.Partition.Topic] = shares[side]
		shares[side].Events = append(shares[side].Events, e)
	}
	for _, span := range batch.Spans {
		share := of[span.Partition.Topic]
		share.Spans = append(share.Spans, span)
	}
	return shares
}
