package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"metadb/internal/change"
)

// One bad table must not stop the others. A table that keeps a batch from being
// applied is parked after a few tries: its topics are taken out of the batch, with
// their spans, and are not read on; the others commit. What was taken out is kept
// and tried again, so that it goes on where it stopped. Nothing of it is stored: a
// crash reads it again, since the positions of these topics stay where they are.
//
// Whole topics wait and not single partitions, since truncates and changes of key
// order the partitions of a topic. What says that a snapshot is complete waits for
// every table that does.
//
// A table that can't be locked is parked after the first try: somebody may hold the locks of
// many tables, and the others must not be seconds late for each.

const (
	// strikesToPark is how many times in a row one table must have failed.
	strikesToPark = 3
	// lotInterval is how often what waits is tried again, so that the status
	// is right within seconds after somebody has helped.
	lotInterval = time.Second
	// lotBudget is for how long others may be kept waiting at a time by what
	// is tried again.
	lotBudget = 700 * time.Millisecond
	// patientInterval is how often a lock is waited for as long as the session's
	// lock_timeout says.
	patientInterval = time.Minute
	// firstLockTimeout is how long a batch waits for a lock, more than PostgreSQL's
	// deadlock_timeout, after which it stops an autovacuum that is in the way.
	firstLockTimeout = 1500 * time.Millisecond
	// nextLockTimeout is that of a batch that has waited for another lock before, and of
	// a table that waits already.
	nextLockTimeout = 100 * time.Millisecond
	// mostParked bounds what waits in memory, in full batches. What does not
	// fit in stops the stream.
	mostParked = 8
	// mostNamed bounds how many tables the status names, mostReasons of how many
	// it says why.
	mostNamed, mostReasons = 20, 3
)

// lot is what waits for one table.
type lot struct {
	// tables are one, or several where what says that a snapshot is complete
	// has joined them.
	tables []change.Table
	topics map[string]bool
	batch  *batch
	why    error
	// patient is when a lock was last waited for as long as usual.
	patient time.Time
}

// lots are the tables that wait. All but topics is used by apply alone.
type lots struct {
	all []*lot
	// turn is which lot is tried next.
	turn int
	// changed tells collect that other topics are to be paused.
	changed chan struct{}

	mu     sync.Mutex
	topics map[string]bool
}

// paused returns the topics that are not to be read on.
func (l *lots) paused() map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.topics
}

// tell makes known which topics are to be paused.
func (l *lots) tell() {
	topics := make(map[string]bool)
	for _, lot := range l.all {
		for topic := range lot.topics {
			topics[topic] = true
		}
	}
	l.mu.Lock()
	l.topics = topics
	l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// roomFor reports whether a batch may be kept too.
func (l *lots) roomFor(b *batch, batchBytes int) bool {
	kept := b.bytes
	for _, lot := range l.all {
		kept += lot.batch.bytes
	}
	return kept <= mostParked*batchBytes
}

// err says what waits, nil if nothing does.
func (l *lots) err() error {
	var tables []change.Table
	var names, reasons []string
	var causes []error
	for _, lot := range l.all {
		for _, table := range lot.tables {
			tables, names = append(tables, table), append(names, table.String())
		}
		reasons, causes = append(reasons, lot.why.Error()), append(causes, lot.why)
	}
	what := "table %s waits, the others go on: %s"
	switch {
	case len(names) == 0:
		return nil
	case len(names) > 1:
		what = "tables %s wait, the others go on: %s"
	}
	if hidden := len(names) - mostNamed; hidden > 0 {
		names = append(names[:mostNamed], fmt.Sprintf("and %d more", hidden))
	}
	why := fmt.Sprintf(what, strings.Join(names, ", "), strings.Join(reasons[:min(len(reasons), mostReasons)], "; "))
	return &ParkedError{Tables: tables, Causes: causes, why: why}
}

// ParkedError says that the events of some tables wait, while those of others are
// applied.
type ParkedError struct {
	Tables []change.Table
	// Causes are why they wait, in no relation to the order of the tables.
	Causes []error
	why    string
}

func (e *ParkedError) Error() string { return e.why }

// remove forgets a lot.
func (l *lots) remove(gone *lot) {
	l.all = slices.DeleteFunc(l.all, func(lot *lot) bool { return lot == gone })
}

// park takes the topics of a table out of a batch and lets them wait.
func (p *pipeline) park(b *batch, table change.Table, why error) error {
	p.Logger.Warn(fmt.Sprintf("%stable %s waits, the others go on: %v", p.subject(), table, why))
	p.lots.all = append(p.lots.all, &lot{tables: []change.Table{table}, topics: make(map[string]bool), batch: &batch{}, why: why, patient: time.Now()})
	return p.divert(b)
}

// divert takes out of a batch what belongs to tables that wait.
func (p *pipeline) divert(b *batch) error {
	if len(p.lots.all) == 0 {
		return nil
	}
	for _, lot := range p.lots.all {
		lot.claim(b)
		if err := lot.take(b); err != nil {
			return err
		}
	}
	if b.marks.end && p.Awaited != nil && len(p.Awaited()) > 0 {
		if err := p.holdEnds(b); err != nil {
			return err
		}
	}
	p.lots.tell()
	for _, lot := range p.lots.all {
		p.progress.reached(lot.batch.Spans)
	}
	p.Reporter.Lag(p.progress.lag())
	p.is(parking, p.lots.err())
	return nil
}

// claim adds to a lot the topics that have events of its table.
func (l *lot) claim(b *batch) {
	for i := range b.Events {
		if slices.Contains(l.tables, b.Events[i].Table) {
			l.topics[b.Events[i].Position.Partition.Topic] = true
		}
	}
}

// take moves the topics of a lot from a batch to the lot's.
func (l *lot) take(b *batch) error {
	part := b.split(l.topics)
	if len(part.Spans) == 0 {
		return nil
	}
	return l.batch.join(part)
}

// holdEnds lets what says that a snapshot is complete wait with the first lot,
// which is then tried when no other table waits: the snapshot is not complete
// before. Other lots with the same topics join it.
func (p *pipeline) holdEnds(b *batch) error {
	bearer := p.lots.all[0]
	for _, part := range b.marks.ends {
		bearer.topics[part.Topic] = true
	}
	for _, other := range slices.Clone(p.lots.all[1:]) {
		if !bearer.meets(other) {
			continue
		}
		if err := bearer.batch.join(other.batch); err != nil {
			return err
		}
		maps.Copy(bearer.topics, other.topics)
		bearer.tables = append(bearer.tables, other.tables...)
		bearer.batch.marks.join(&other.batch.marks)
		p.lots.remove(other)
	}
	bearer.batch.marks.join(&b.marks)
	b.marks = b.marks.recordsOnly()
	return bearer.take(b)
}

// meets reports whether two lots have a topic in common.
func (l *lot) meets(other *lot) bool {
	for topic := range other.topics {
		if l.topics[topic] {
			return true
		}
	}
	return false
}

// retryLots tries again what waits, one lot after the other, for as long as the
// others may be kept waiting.
func (p *pipeline) retryLots(ctx context.Context) error {
	began := time.Now()
	for range len(p.lots.all) {
		if time.Since(began) > lotBudget || len(p.lots.all) == 0 {
			break
		}
		p.lots.turn %= len(p.lots.all)
		lot := p.lots.all[p.lots.turn]
		if lot.batch.marks.end && len(p.lots.all) > 1 {
			p.lots.turn++
			continue
		}
		done, err := p.retryLot(ctx, lot)
		if err != nil {
			return err
		}
		if !done {
			p.lots.turn++
		}
	}
	return nil
}

// retryLot tries once to apply what waits for a table. It reports whether the
// table goes on.
func (p *pipeline) retryLot(ctx context.Context, l *lot) (bool, error) {
	now := time.Now()
	l.batch.Source, l.batch.LockTimeout = p.Name, nextLockTimeout
	if now.Sub(l.patient) >= patientInterval {
		l.batch.LockTimeout, l.patient = 0, now
	}
	l.batch.Snapshots = p.news(l.batch)
	outcome, err := p.Appliers[0].Apply(ctx, &l.batch.Batch)
	switch _, stuck := stuckTable(err); {
	case err == nil:
		p.lots.remove(l)
		p.lots.tell()
		p.is(parking, p.lots.err())
		p.noteAttempts(l.batch)
		p.report(ctx, l.batch, outcome)
		for _, table := range l.tables {
			p.Logger.Info(fmt.Sprintf("%stable %s goes on", p.subject(), table))
		}
		p.lookAtSnapshot(ctx, l.batch)
		return true, nil
	case ctx.Err() != nil:
		return false, ctx.Err()
	case decide(err) == restart:
		return false, restartError(err)
	case stuck:
		l.why = err
		p.is(parking, p.lots.err())
		p.is(applying, nil)
	default:
		p.is(applying, err)
	}
	return false, nil
}
