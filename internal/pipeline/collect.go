package pipeline

import (
	"context"
	"errors"
	"slices"
	"time"

	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
)

const (
	// idleFlushInterval is how often positions are stored that advanced without a
	// change: heartbeats and events of excluded tables must not cause a transaction
	// each.
	idleFlushInterval = 5 * time.Second
	// largeDeliveryEvents is the number of events of a delivery from which on another
	// one is likely to follow, and nextDeliveryWait how long a batch waits for it.
	largeDeliveryEvents = 100
	nextDeliveryWait    = 30 * time.Millisecond
	// batchPace is the least time between the starts of two batches that are not full.
	// A transaction costs about as much as fifty events: at 500 events a second, a
	// transaction for every few of them would keep a processor busy.
	batchPace = 25 * time.Millisecond
	// endsRetryInterval is how often end offsets are requested again after the broker
	// did not answer.
	endsRetryInterval = time.Second
)

// collectBatches makes batches of deliveries. It hands a batch over as soon as the
// last one is applied, and lets it grow until then: batches are small while few
// changes occur, and large when the stream is behind. While large deliveries follow
// one another, a batch waits until it is full, so that many events share the cost of
// a transaction. While small ones do, batches start batchPace apart.
func (p *pipeline) collectBatches(ctx context.Context) error {
	idle, again := time.NewTicker(idleFlushInterval), time.NewTicker(endsRetryInterval)
	defer idle.Stop()
	defer again.Stop()
	var more, paced, ripe <-chan time.Time
	due := false
	current := &batch.Batch{}
	for {
		deliveries, wanted := p.deliveries, p.batchRequests
		if p.isFull(current) {
			deliveries = nil
		}
		if !p.isWorthApplying(current, due) || (more != nil || paced != nil) && !p.isFull(current) {
			wanted = nil
		}
		select {
		case delivery := <-deliveries:
			if err := p.addDelivery(ctx, current, delivery); err != nil {
				return err
			}
			more = nil
			if len(delivery.Events) >= largeDeliveryEvents {
				more = time.After(nextDeliveryWait)
			}
			ripe = p.readyTimer()
		case <-more:
			more = nil
		case <-paced:
			paced = nil
		case <-ripe:
			p.fetchEnds(ctx, current)
			ripe = p.readyTimer()
		case <-wanted:
			current.Source, current.Spans = p.Name, p.partitions.takeSpans()
			next := batch.NewAfter(current)
			select {
			case p.batches <- current:
			case <-ctx.Done():
				return ctx.Err()
			}
			current, due, paced = next, false, time.After(batchPace)
			p.addHeldEvents(current)
		case <-idle.C:
			due = true
		case <-again.C:
			p.fetchEnds(ctx, current)
			p.checkStalled(ctx, current)
			p.releaseUnpaired(current)
			ripe = p.readyTimer() // for events behind the released ones
		case <-p.parking.changed:
			p.pausePartitions()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// isWorthApplying reports whether a batch is worth a transaction. Records without a
// change wait for idleFlushInterval, unless they end a snapshot.
func (p *pipeline) isWorthApplying(b *batch.Batch, due bool) bool {
	return len(b.Events) > 0 || b.Signals.HasEnd || due && p.partitions.hasMoved()
}

// isFull reports whether a batch must not grow.
func (p *pipeline) isFull(b *batch.Batch) bool {
	return len(b.Events) >= p.BatchEvents || b.Bytes >= p.BatchBytes || len(p.heldEvents) > 0
}

// addDelivery adds a delivery to a batch. A delivery is added whole: the source bounds
// its size. The error is ErrRestart if events that are dropped from the batch, since their
// partitions were reassigned, precede other events of it.
func (p *pipeline) addDelivery(ctx context.Context, b *batch.Batch, delivery change.Delivery) error {
	if b.DropReassigned(delivery) {
		return rebuildError(errors.New("partitions were taken away whose changes others follow"))
	}
	for _, part := range delivery.Revoked {
		p.partitions.revokePartition(part)
		p.lag.stopPartition(part)
	}
	for _, begun := range delivery.Assigned {
		p.partitions.assignPartition(begun)
		p.lag.startPartition(begun.Partition, begun.From)
		if begun.Gap != nil {
			p.Reporter.Gap(*begun.Gap)
		}
	}
	p.addToBatch(b, p.gate.Add(delivery, p.monotonicNow()))
	p.partitions.addRestarts(delivery.Restarts)
	p.fetchEnds(ctx, b)
	return nil
}

// addHeldEvents adds the events to a new batch that the one before it had no room for.
func (p *pipeline) addHeldEvents(b *batch.Batch) {
	held := p.heldEvents
	p.heldEvents = nil
	p.addToBatch(b, held)
}

// addToBatch adds events to a batch, except those without a change. From the first event on
// that would exceed the number of years, they are held for the next batch.
func (p *pipeline) addToBatch(b *batch.Batch, events []change.Event) {
	if len(p.heldEvents) > 0 {
		p.heldEvents = append(p.heldEvents, events...)
		return
	}
	for i := range events {
		e := &events[i]
		if !b.Years.AddYear(e, p.MaxYears) {
			p.heldEvents = slices.Clone(events[i:])
			return
		}
		if !p.partitions.advancePast(e) {
			continue
		}
		p.Router.Route(e)
		if e.Notification != nil {
			p.routeRemaining(e.Notification)
		}
		p.logEventNotes(e)
		b.NoteEvent(e)
		if e.Op != change.Ignore {
			b.Events = append(b.Events, *e)
			b.Bytes += e.Size()
		}
	}
}

// routeRemaining replaces the source tables of a notification by their target tables.
func (p *pipeline) routeRemaining(n *change.SnapshotNotification) {
	for i, source := range n.RemainingTables {
		e := change.Event{Source: source}
		p.Router.Route(&e)
		n.RemainingTables[i] = e.Table
	}
}
