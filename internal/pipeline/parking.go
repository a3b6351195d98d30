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
	"metadb/internal/pipeline/batch"
)

// A table that can't be applied must not stop the others. It is parked after a few
// tries: its lanes are taken out of the batch, with their spans, and are paused; the
// others commit. The parked events are kept in memory and retried, so that the table
// continues where it stopped. They are not stored: the positions of these lanes stay
// before them, and after a crash they are read again.
//
// Whole lanes are parked, not single partitions, since truncates and changes of key
// order the partitions of a lane. The end of a snapshot waits for every parked table.
//
// A table that can't be locked is parked after the first try: another session may hold
// locks of many tables, and the other tables must not wait seconds for each.

const (
	// maxTableFailures is the number of consecutive failures after which a table is
	// parked.
	maxTableFailures = 3
	// parkedRetryInterval is how often parked tables are retried, so that the status
	// is correct within seconds after the cause is removed.
	parkedRetryInterval = time.Second
	// parkedRetryBudget is how long retries of parked tables may delay the others at a
	// time.
	parkedRetryBudget = 700 * time.Millisecond
	// fullLockWaitInterval is how often a parked table waits for a lock with the
	// session's lock_timeout.
	fullLockWaitInterval = time.Minute
	// firstLockTimeout is how long a batch waits for a lock. It exceeds PostgreSQL's
	// deadlock_timeout, after which PostgreSQL cancels a blocking autovacuum.
	firstLockTimeout = 1500 * time.Millisecond
	// shortLockTimeout is the lock timeout of a batch that has waited for another lock
	// before, and of a parked table.
	shortLockTimeout = 100 * time.Millisecond
	// maxParkedBatches bounds the parked events in memory, in full batches. A table
	// that would exceed it is not parked, and stops the stream.
	maxParkedBatches = 8
	// maxTablesNamed bounds the tables that the status names, maxReasonsNamed the
	// reasons.
	maxTablesNamed, maxReasonsNamed = 20, 3
)

// parkedTable has the parked events of one table.
type parkedTable struct {
	// tables is one table, or several that the end of a snapshot has joined.
	tables []change.Table
	lanes  map[change.Lane]bool
	batch  *batch.Batch
	cause  error
	// lastFullLockWait is when the table last waited for a lock with the session's
	// timeout.
	lastFullLockWait time.Time
}

// parking has the parked tables. Only the apply stage uses it, except lanes.
type parking struct {
	tables []*parkedTable
	// next is the index of the table to retry next.
	next int
	// changed signals the collect stage that the lanes to pause have changed.
	changed chan struct{}

	mu    sync.Mutex
	lanes map[change.Lane]bool
}

// pausedLanes returns the lanes to pause.
func (l *parking) pausedLanes() map[change.Lane]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lanes
}

// publishLanes sets the lanes to pause, and signals the change.
func (l *parking) publishLanes() {
	lanes := make(map[change.Lane]bool)
	for _, lot := range l.tables {
		for lane := range lot.lanes {
			lanes[lane] = true
		}
	}
	l.mu.Lock()
	l.lanes = lanes
	l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// hasRoomFor reports whether a batch may be parked too.
func (l *parking) hasRoomFor(b *batch.Batch, batchBytes int) bool {
	kept := b.Bytes
	for _, lot := range l.tables {
		kept += lot.batch.Bytes
	}
	return kept <= maxParkedBatches*batchBytes
}

// failure returns the error that names the parked tables, nil without any.
func (l *parking) failure() error {
	var tables []change.Table
	var names, reasons []string
	var causes []error
	for _, lot := range l.tables {
		for _, table := range lot.tables {
			tables, names = append(tables, table), append(names, table.String())
		}
		reasons, causes = append(reasons, lot.cause.Error()), append(causes, lot.cause)
	}
	what := "table %s waits, the others go on: %s"
	switch {
	case len(names) == 0:
		return nil
	case len(names) > 1:
		what = "tables %s wait, the others go on: %s"
	}
	if hidden := len(names) - maxTablesNamed; hidden > 0 {
		names = append(names[:maxTablesNamed], fmt.Sprintf("and %d more", hidden))
	}
	why := fmt.Sprintf(what, strings.Join(names, ", "), strings.Join(reasons[:min(len(reasons), maxReasonsNamed)], "; "))
	return &ParkedError{Tables: tables, Causes: causes, text: why}
}

// ParkedError is the error while the events of some tables wait and those of others
// are applied.
type ParkedError struct {
	Tables []change.Table
	// Causes are the causes, in no relation to the order of the tables.
	Causes []error
	text   string
}

func (e *ParkedError) Error() string { return e.text }

// removeTable removes a parked table.
func (l *parking) removeTable(gone *parkedTable) {
	l.tables = slices.DeleteFunc(l.tables, func(lot *parkedTable) bool { return lot == gone })
}

// parkTable parks a table, and takes its lanes out of a batch.
func (p *pipeline) parkTable(b *batch.Batch, table change.Table, why error) error {
	p.Logger.Warn(fmt.Sprintf("%stable %s waits, the others go on: %v", p.logPrefix(), table, why))
	p.parking.tables = append(p.parking.tables, &parkedTable{tables: []change.Table{table}, lanes: make(map[change.Lane]bool), batch: &batch.Batch{}, cause: why, lastFullLockWait: time.Now()})
	return p.takeParked(b)
}

// takeParked takes the events of parked tables' lanes out of a batch.
func (p *pipeline) takeParked(b *batch.Batch) error {
	if len(p.parking.tables) == 0 {
		return nil
	}
	for _, lot := range p.parking.tables {
		lot.takeLanes(b)
		if err := lot.takeEvents(b); err != nil {
			return err
		}
	}
	if b.Signals.HasEnd && p.ExpectedSnapshots != nil && len(p.ExpectedSnapshots()) > 0 {
		if err := p.parkSnapshotEnds(b); err != nil {
			return err
		}
	}
	p.parking.publishLanes()
	for _, lot := range p.parking.tables {
		p.lag.addRead(lot.batch.Spans)
	}
	p.Reporter.Lag(p.lag.countWaiting())
	p.reportHealth(parkStage, p.parking.failure())
	return nil
}

// takeLanes adds the lanes of a batch that have events of the table.
func (l *parkedTable) takeLanes(b *batch.Batch) {
	for i := range b.Events {
		if slices.Contains(l.tables, b.Events[i].Table) {
			l.lanes[b.Events[i].Position.Partition.Lane()] = true
		}
	}
}

// takeEvents moves the events of the table's lanes from a batch to the parked ones.
func (l *parkedTable) takeEvents(b *batch.Batch) error {
	part := b.TakeLanes(l.lanes)
	if len(part.Spans) == 0 {
		return nil
	}
	if err := l.batch.Append(part); err != nil {
		return rebuildError(err)
	}
	return nil
}

// parkSnapshotEnds moves the signals of a snapshot's end to the first parked table, which
// is then retried only when no other table is parked: the snapshot is not complete
// before. Other parked tables with the same lanes are joined to it.
func (p *pipeline) parkSnapshotEnds(b *batch.Batch) error {
	bearer := p.parking.tables[0]
	for _, part := range b.Signals.EndPartitions {
		bearer.lanes[part.Lane()] = true
	}
	for _, other := range slices.Clone(p.parking.tables[1:]) {
		if !bearer.overlaps(other) {
			continue
		}
		if err := bearer.batch.Append(other.batch); err != nil {
			return rebuildError(err)
		}
		maps.Copy(bearer.lanes, other.lanes)
		bearer.tables = append(bearer.tables, other.tables...)
		bearer.batch.Signals.MergeSignals(&other.batch.Signals)
		p.parking.removeTable(other)
	}
	bearer.batch.Signals.MergeSignals(&b.Signals)
	b.Signals = b.Signals.WithoutEnds()
	return bearer.takeEvents(b)
}

// overlaps reports whether two parked tables have a lane in common.
func (l *parkedTable) overlaps(other *parkedTable) bool {
	for lane := range other.lanes {
		if l.lanes[lane] {
			return true
		}
	}
	return false
}

// retryParked retries the parked tables, one after the other, for parkedRetryBudget.
func (p *pipeline) retryParked(ctx context.Context) error {
	began := time.Now()
	for range len(p.parking.tables) {
		if time.Since(began) > parkedRetryBudget || len(p.parking.tables) == 0 {
			break
		}
		p.parking.next %= len(p.parking.tables)
		lot := p.parking.tables[p.parking.next]
		if lot.batch.Signals.HasEnd && len(p.parking.tables) > 1 {
			p.parking.next++
			continue
		}
		done, err := p.retryParkedTable(ctx, lot)
		if err != nil {
			return err
		}
		if !done {
			p.parking.next++
		}
	}
	return nil
}

// retryParkedTable applies the parked events of a table once. It reports whether that
// succeeded.
func (p *pipeline) retryParkedTable(ctx context.Context, l *parkedTable) (bool, error) {
	now := time.Now()
	l.batch.Source, l.batch.LockTimeout = p.Name, shortLockTimeout
	if now.Sub(l.lastFullLockWait) >= fullLockWaitInterval {
		l.batch.LockTimeout, l.lastFullLockWait = 0, now
	}
	l.batch.Snapshots = p.observeSnapshots(l.batch)
	outcome, err := p.Appliers[0].Apply(ctx, &l.batch.Batch)
	switch _, stuck := tableAtFault(err); {
	case err == nil:
		p.parking.removeTable(l)
		p.parking.publishLanes()
		p.reportHealth(parkStage, p.parking.failure())
		p.applyAttempts(l.batch)
		p.reportOutcome(ctx, l.batch, outcome)
		for _, table := range l.tables {
			p.Logger.Info(fmt.Sprintf("%stable %s goes on", p.logPrefix(), table))
		}
		p.checkSnapshots(ctx, l.batch)
		return true, nil
	case ctx.Err() != nil:
		return false, ctx.Err()
	case decide(err) == rebuildStream:
		return false, rebuildError(err)
	case stuck:
		l.cause = err
		p.reportHealth(parkStage, p.parking.failure())
		p.reportHealth(applyStage, nil)
	default:
		p.reportHealth(applyStage, err)
	}
	return false, nil
}
