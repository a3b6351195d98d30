package rejected

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/gap"
)

// Limit is the maximum of rejected events that are stored for a data source: their number,
// and the bytes of their keys and values. 0 means no limit.
type Limit struct{ Events, Bytes int64 }

const (
	// maxRefusedStored is the number of events that are stored of a refused table. Further ones are
	// only counted, since one wrong option can refuse a whole stream.
	maxRefusedStored = 1000
	// usageInterval is the time for which a count of the stored rejected events is used.
	usageInterval = 5 * time.Second
)

// rejectedUsage has the number and size of the rejected events stored for a source.
type rejectedUsage struct {
	events, bytes int64
	// refused has the number of events rejected with their whole table.
	refused map[change.Table]int64
	// limit and counted are the limit in force at the time of the count, and that time.
	limit   Limit
	counted time.Time
}

// LimitReachedError is the error of a batch that would exceed the limit of a source. Its stream
// stops.
type LimitReachedError struct {
	Source        string
	Limit         Limit
	Events, Bytes int64
}

func (e *LimitReachedError) Error() string {
	return fmt.Sprintf("%s with %d MB would be set aside, more than rejected_limit allows (%s, %d MB): the stream stops until they are retried or purged, or the limit is raised",
		change.Plural(e.Events, "event", "events"), e.Bytes>>20, change.Plural(e.Limit.Events, "event", "events"), e.Limit.Bytes>>20)
}

// RefusedError is the error for a table that is refused and has maxRefusedStored events stored, if
// its source owns no table so far. The stream stops at its position, since it would lose all
// events.
type RefusedError struct {
	Name   change.Table
	Reason string
}

func (e *RefusedError) Error() string {
	return e.Reason + "; no other table of the data source could be applied so far"
}

// Table returns the name of the table.
func (e *RefusedError) Table() change.Table { return e.Name }

// IsTableOnly returns true: the error concerns this table only.
func (e *RefusedError) IsTableOnly() bool { return true }

// Refused identifies the error to callers that do not import this package.
func (e *RefusedError) Refused() bool { return true }

// Limiter keeps the rejected events of a data source below its limit.
type Limiter struct {
	source string
	// limit returns the limit of the source, nil for none.
	limit func(ctx context.Context) (Limit, error)
	// usage counts the rejected events of the source. It is nil until they have been counted.
	usage *rejectedUsage
}

// NewLimiter returns the limiter of a data source. limit may be nil.
func NewLimiter(source string, limit func(ctx context.Context) (Limit, error)) *Limiter {
	return &Limiter{source: source, limit: limit}
}

// Forget discards the count, after a transaction was rolled back.
func (l *Limiter) Forget() { l.usage = nil }

// Enforce checks the rejected events of a batch against the limits. Events of refused tables above
// maxRefusedStored are removed from the set and counted in a gap, in outcome too. tables returns the
// tables after the batch.
func (l *Limiter) Enforce(ctx context.Context, tx pgx.Tx, set *Set, tables func() *catalog.Snapshot, outcome *change.Outcome) error {
	if len(set.Events) == 0 {
		return nil
	}
	if err := l.countRejected(ctx, tx, false); err != nil {
		return err
	}
	if slices.ContainsFunc(set.Events, func(rej Event) bool { return rej.kind == change.NoTable }) {
		if err := l.dropRefused(set, tables(), outcome); err != nil {
			return err
		}
	}
	for _, missing := range outcome.Missing {
		if err := gap.Add(ctx, tx, l.source, missing); err != nil {
			return err
		}
	}
	events, bytes := rejectedSize(set.Events)
	if l.usage.exceedsLimit(events, bytes) { // the count may be old, and events may have been purged since
		if err := l.countRejected(ctx, tx, true); err != nil {
			return err
		}
	}
	if l.usage.exceedsLimit(events, bytes) {
		return &LimitReachedError{Source: l.source, Limit: l.usage.limit, Events: l.usage.events + events, Bytes: l.usage.bytes + bytes}
	}
	l.usage.events += events
	l.usage.bytes += bytes
	return nil
}

// exceedsLimit reports whether further events, with so many bytes, would exceed the limit.
func (u *rejectedUsage) exceedsLimit(events, bytes int64) bool {
	return u.limit.Events > 0 && u.events+events > u.limit.Events || u.limit.Bytes > 0 && u.bytes+bytes > u.limit.Bytes
}

// rejectedSize returns the number of rejected events, and the bytes of their records.
func rejectedSize(rejects []Event) (events, bytes int64) {
	for i := range rejects {
		record := &rejects[i].Event.Record
		bytes += int64(len(record.Key) + len(record.Head) + len(record.Tail))
	}
	return int64(len(rejects)), bytes
}

// hasOwnTable reports whether a source owns a table that is not a transformed one.
func hasOwnTable(tables *catalog.Snapshot, source string) bool {
	for t := range tables.All() {
		if t.Source == source && !t.IsTransformed() {
			return true
		}
	}
	return false
}

// isOfRefusedTable reports whether an event of a source is rejected because its table is refused as
// a whole: the name is taken or reserved, or another table feeds it.
func (rej *Event) isOfRefusedTable(tables *catalog.Snapshot, source string) bool {
	if rej.kind != change.NoTable {
		return false
	}
	t := tables.Table(rej.Event.Table)
	return t == nil || t.Source != source || t.Feeds[rej.Event.Origin] != rej.Event.Source
}

// countRejected counts the rejected events stored for the source, unless the last count is recent
// enough or again is set.
func (l *Limiter) countRejected(ctx context.Context, tx pgx.Tx, again bool) error {
	if !again && l.usage != nil && time.Since(l.usage.counted) < usageInterval {
		return nil
	}
	const sql = `
		SELECT coalesce(schema_name, ''), coalesce(table_name, ''), count(*), count(*) FILTER (WHERE kind = $2),
				coalesce(sum(coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0)), 0)::bigint
			FROM metadb.rejected_event WHERE source_name = $1 GROUP BY 1, 2`
	rows, err := tx.Query(ctx, sql, l.source, change.NoTable.String())
	if err != nil {
		return fmt.Errorf("count rejected events: %w", err)
	}
	usage := &rejectedUsage{refused: make(map[change.Table]int64), counted: time.Now()}
	var table change.Table
	var events, refused, bytes int64
	_, err = pgx.ForEachRow(rows, []any{&table.Schema, &table.Name, &events, &refused, &bytes}, func() error {
		usage.events += events
		usage.bytes += bytes
		usage.refused[table] = refused
		return nil
	})
	if err != nil {
		return fmt.Errorf("count rejected events: %w", err)
	}
	if l.limit != nil {
		if usage.limit, err = l.limit(ctx); err != nil {
			return fmt.Errorf("read rejected_limit: %w", err)
		}
	}
	l.usage = usage
	return nil
}

// dropRefused removes events of refused tables from those that are stored, where maxRefusedStored
// events of the table are stored already, and counts them as missing. If the source owns no table
// it returns a RefusedError instead, since the source would lose its whole stream.
func (l *Limiter) dropRefused(set *Set, tables *catalog.Snapshot, outcome *change.Outcome) error {
	passed := make(map[change.Position]bool)
	stored := set.Events[:0]
	for _, rej := range set.Events {
		if !rej.isOfRefusedTable(tables, l.source) {
			stored = append(stored, rej)
			continue
		}
		if l.usage.refused[rej.Event.Table]++; l.usage.refused[rej.Event.Table] <= maxRefusedStored {
			stored = append(stored, rej)
			continue
		}
		if len(passed) == 0 && !hasOwnTable(tables, l.source) {
			return &RefusedError{Name: rej.Event.Table, Reason: rej.reason}
		}
		passed[rej.Event.Position] = true
		countMissing(&rej, outcome)
	}
	set.Events = stored
	outcome.Rejected -= len(passed)
	outcome.ByReason[change.NoTable] -= len(passed)
	outcome.Rejections = slices.DeleteFunc(outcome.Rejections, func(told change.Rejection) bool { return passed[told.Position] })
	return nil
}

// countMissing adds an event to the missing events of its partition.
func countMissing(rej *Event, outcome *change.Outcome) {
	part := rej.Event.Position.Partition
	at := slices.IndexFunc(outcome.Missing, func(g change.Gap) bool { return g.Partition == part })
	if at < 0 {
		at = len(outcome.Missing)
		outcome.Missing = append(outcome.Missing, change.Gap{
			Partition: part,
			Reason:    fmt.Sprintf("%s: of what follows its first %d events nothing is stored", rej.reason, maxRefusedStored),
			Tables:    []change.Table{rej.Event.Table},
		})
	}
	outcome.Missing[at].Missing++
}
