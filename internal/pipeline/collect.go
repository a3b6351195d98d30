package pipeline

import (
	"context"
	"time"

	"metadb/internal/change"
)

// idleInterval is how often positions are stored that moved without a change:
// heartbeats and filtered tables must not make a transaction each.
const idleInterval = 5 * time.Second

// batch is a batch on its way to be applied.
type batch struct {
	change.Batch
	// begun says where partitions were taken up since the batch before.
	begun map[change.Partition]int64
	// bytes is about what the events take in memory.
	bytes int
	// last is the latest source time, zero if there is none.
	last change.Micros
	// inSnapshot says that it has records of a snapshot, endsSnapshot that
	// one of its records bears the mark "last".
	inSnapshot, endsSnapshot bool
}

// collect makes batches of deliveries. It hands a batch over as soon as the
// last one is applied, and lets it grow until then: batches are small when the
// stream is quiet, and large when it is behind.
func (p *pipeline) collect(ctx context.Context) error {
	idle := time.NewTicker(idleInterval)
	defer idle.Stop()
	due := false
	current := &batch{}
	for {
		deliveries, wanted := p.deliveries, p.wanted
		if p.full(current) {
			deliveries = nil
		}
		if !p.worth(current, due) {
			wanted = nil
		}
		select {
		case delivery := <-deliveries:
			p.take(current, delivery)
		case <-wanted:
			current.Source, current.Spans = p.Name, p.partitions.take()
			select {
			case p.batches <- current:
			case <-ctx.Done():
				return ctx.Err()
			}
			current, due = &batch{}, false
		case <-idle.C:
			due = true
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// worth reports whether a batch is worth a transaction. Records that change
// nothing wait until the idle interval is over, unless they end a snapshot.
func (p *pipeline) worth(b *batch, due bool) bool {
	return len(b.Events) > 0 || len(b.begun) > 0 || b.endsSnapshot || due && p.partitions.moved()
}

// full reports whether a batch may not grow.
func (p *pipeline) full(b *batch) bool {
	return len(b.Events) >= p.BatchEvents || b.bytes >= p.BatchBytes
}

// take adds a delivery to a batch. A delivery is taken whole: it is bounded by
// what the source fetches at a time.
func (p *pipeline) take(b *batch, delivery change.Delivery) {
	for _, part := range delivery.Ended {
		p.partitions.end(part)
	}
	for _, begun := range delivery.Begun {
		p.partitions.begin(begun)
		b.begin(begun)
		if begun.Gap != nil {
			p.gap(*begun.Gap)
		}
	}
	for _, gap := range delivery.Gaps {
		p.gap(gap)
	}
	for i := range delivery.Events {
		if e := &delivery.Events[i]; p.partitions.collect(e) {
			p.add(b, e)
		}
	}
}

func (b *batch) begin(begun change.Beginning) {
	if b.begun == nil {
		b.begun = make(map[change.Partition]int64)
	}
	b.begun[begun.Partition] = begun.From
}

func (p *pipeline) gap(gap change.Gap) {
	p.Logger.Warn(p.subject() + "events are missing: " + gap.Reason + "; a resynchronization is needed")
	p.Reporter.Gap(gap)
}

// add adds one event to a batch, unless it changes nothing.
func (p *pipeline) add(b *batch, e *change.Event) {
	p.Router.Route(e)
	b.inSnapshot = b.inSnapshot || e.Snapshot != change.Streamed
	b.endsSnapshot = b.endsSnapshot || e.Snapshot == change.LastInSnapshot
	b.last = max(b.last, e.Time)
	p.tell(e)
	if e.Op == change.Ignore {
		return
	}
	b.Events = append(b.Events, *e)
	b.bytes += size(e)
}

// eventBytes is about the size of an Event without what it points to.
const eventBytes = 360

// size returns about what an event takes in memory. Record.Head is shared.
func size(e *change.Event) int {
	return eventBytes + len(e.Row) + len(e.OldKey) + len(e.Record.Key) + len(e.Record.Tail)
}
