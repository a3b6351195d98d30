package pipeline

import (
	"context"
	"errors"
	"slices"
	"time"

	"metadb/internal/change"
)

const (
	// idleInterval is how often positions are stored that moved without a
	// change: heartbeats and filtered tables must not make a transaction
	// each.
	idleInterval = 5 * time.Second
	// largeDelivery is the number of events of a delivery that makes another
	// likely, and moreIn how long it is waited for.
	largeDelivery = 100
	moreIn        = 30 * time.Millisecond
	// pace is the least time between the beginnings of two batches that are not
	// full. A transaction costs about as much as fifty events: at 500 events a
	// second one for every few of them would keep a processor busy.
	pace = 25 * time.Millisecond
	// askInterval is how often the ends of the topics are asked for again
	// where the broker did not answer.
	askInterval = time.Second
)

// batch is a batch on its way to be applied.
type batch struct {
	change.Batch
	// bytes is about what the events take in memory.
	bytes int
	// last is the latest source time, zero if there is none.
	last change.Micros
	// marks say what its records tell of snapshots.
	marks marks
	// sightings are the attempts of snapshots that its records belong to.
	sightings sightings
	// failure is why it could not be applied as a share, nil if it has not been tried.
	failure error
	// years are those of its events. shortOfLocks counts failures for want of locks.
	years        years
	shortOfLocks int
}

// collect makes batches of deliveries. It hands a batch over as soon as the
// last one is applied, and lets it grow until then: batches are small when the
// stream is quiet, and large when it is behind. While large deliveries follow
// one another a batch waits until it is full: what a transaction costs, however
// small, is shared by all of its events. While small ones do, batches keep their pace.
func (p *pipeline) collect(ctx context.Context) error {
	idle, again := time.NewTicker(idleInterval), time.NewTicker(askInterval)
	defer idle.Stop()
	defer again.Stop()
	var more, paced, ripe <-chan time.Time
	due := false
	current := &batch{}
	for {
		deliveries, wanted := p.deliveries, p.wanted
		if p.full(current) {
			deliveries = nil
		}
		if !p.worth(current, due) || (more != nil || paced != nil) && !p.full(current) {
			wanted = nil
		}
		select {
		case delivery := <-deliveries:
			if err := p.take(ctx, current, delivery); err != nil {
				return err
			}
			more = nil
			if len(delivery.Events) >= largeDelivery {
				more = time.After(moreIn)
			}
			ripe = p.ripe()
		case <-more:
			more = nil
		case <-paced:
			paced = nil
		case <-ripe:
			p.release(ctx, current)
			ripe = p.ripe()
		case <-wanted:
			current.Source, current.Spans = p.Name, p.partitions.take()
			next := follower(current)
			select {
			case p.batches <- current:
			case <-ctx.Done():
				return ctx.Err()
			}
			current, due, paced = next, false, time.After(pace)
			p.admitHeld(current)
		case <-idle.C:
			due = true
		case <-again.C:
			p.barrier.now = p.now()
			if p.barrier.asks() {
				p.release(ctx, current)
			}
			p.lookForStall(ctx, current)
			p.releaseUnpaired(current)
			ripe = p.ripe() // what waited behind what was let go
		case <-p.lots.changed:
			p.pause()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// follower returns an empty batch with room for as many events as the last one had.
func follower(last *batch) *batch {
	n := len(last.Events)
	return &batch{Batch: change.Batch{Events: make([]change.Event, 0, n+n/8)}}
}

// worth reports whether a batch is worth a transaction. Records that change
// nothing wait until the idle interval is over, unless they end a snapshot.
func (p *pipeline) worth(b *batch, due bool) bool {
	return len(b.Events) > 0 || b.marks.end || due && p.partitions.moved()
}

// full reports whether a batch may not grow.
func (p *pipeline) full(b *batch) bool {
	return len(b.Events) >= p.BatchEvents || b.bytes >= p.BatchBytes || len(p.held) > 0
}

// take adds a delivery to a batch. A delivery is taken whole: it is bounded by
// what the source fetches at a time. The error is ErrRestart, where what is taken out of
// the batch leaves it without what the rest of it follows.
func (p *pipeline) take(ctx context.Context, b *batch, delivery change.Delivery) error {
	if b.drop(delivery) {
		return restartError(errors.New("partitions were taken away whose changes others follow"))
	}
	for _, part := range delivery.Ended {
		p.partitions.end(part)
		p.barrier.end(part)
		p.progress.end(part)
	}
	for _, begun := range delivery.Begun {
		p.partitions.begin(begun)
		p.progress.begin(begun.Partition, begun.From)
		if begun.Gap != nil {
			p.Reporter.Gap(*begun.Gap)
		}
	}
	p.barrier.now = p.now()
	p.barrier.begin(delivery.Begun)
	p.admit(b, p.barrier.pass(delivery.Events))
	p.poll.note(delivery)
	p.release(ctx, b)
	return nil
}

// admitHeld adds events to a new batch that the one before it could not take.
func (p *pipeline) admitHeld(b *batch) {
	held := p.held
	p.held = nil
	p.admit(b, held)
}

// admit adds events to a batch, but for those that change nothing. From the first one on that is of
// one year too many, they are held for the next batch.
func (p *pipeline) admit(b *batch, events []change.Event) {
	if len(p.held) > 0 {
		p.held = append(p.held, events...)
		return
	}
	for i := range events {
		e := &events[i]
		if !b.years.add(e, p.Years) {
			p.held = slices.Clone(events[i:])
			return
		}
		if !p.partitions.collect(e) {
			continue
		}
		p.Router.Route(e)
		if e.Notice != nil {
			p.routeWaiting(e.Notice)
		}
		p.tell(e)
		b.note(e)
		if e.Op != change.Ignore {
			b.Events = append(b.Events, *e)
			b.bytes += size(e)
		}
	}
}

// routeWaiting puts the tables that events go to in the place of those at the source.
func (p *pipeline) routeWaiting(n *change.Notice) {
	for i, source := range n.Waiting {
		e := change.Event{Source: source}
		p.Router.Route(&e)
		n.Waiting[i] = e.Table
	}
}

// note notes what an event says about its batch.
func (b *batch) note(e *change.Event) {
	b.last = max(b.last, e.Time)
	b.marks.note(e)
	b.sightings.note(e)
}

// eventBytes is about the size of an Event without what it points to.
const eventBytes = 376

// size returns about what an event takes in memory until it is applied.
// Record.Head is shared, but it is sent to the database with each event that is
// set aside.
func size(e *change.Event) int {
	n := eventBytes + len(e.Row) + len(e.OldKey) + len(e.Record.Key) + len(e.Record.Tail)
	if e.Op == change.Reject {
		n += len(e.Record.Head)
	}
	for _, h := range e.Record.Headers {
		n += headerBytes + len(h.Value)
	}
	return n
}

// headerBytes is about the size of a Header without its value.
const headerBytes = 48
