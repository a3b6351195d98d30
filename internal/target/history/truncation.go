package history

import (
	"slices"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
)

// Truncation is a truncate that has been applied.
type Truncation struct {
	Partition change.Partition
	Origin    change.Origin
	LSN       uint64
	At        change.Micros
}

// isAfter reports whether the truncate follows an event of another partition at the source. Its LSN
// must be higher, and its time not earlier: a source that was restored or moved continues with
// lower positions and later times. Within a partition the records are in the order of the source.
//
// A row of an incremental snapshot has no LSN. Its insert precedes it in its partition, so the
// highest LSN before the row (CommittedAfter) is used: if the row had been inserted after the
// truncate, that would be higher.
func (tr *Truncation) isAfter(e *change.Event) bool {
	lsn := e.LSN
	if e.Snapshot == change.Incremental && lsn == 0 {
		lsn = e.CommittedAfter
	}
	return lsn != 0 && lsn < tr.LSN && e.Time <= tr.At && e.Origin == tr.Origin && e.Position.Partition != tr.Partition
}

// Truncations are the applied truncates of a table that events may precede.
type Truncations []Truncation

// firstAfter returns the first applied truncate that follows an event, or nil.
func (all Truncations) firstAfter(e *change.Event) *Truncation {
	var first *Truncation
	for i := range all {
		tr := &all[i]
		if tr.isAfter(e) && (first == nil || tr.At < first.At || tr.At == first.At && tr.LSN < first.LSN) {
			first = tr
		}
	}
	return first
}

// TimeAfter returns the time of that truncate, or 0.
func (all Truncations) TimeAfter(e *change.Event) change.Micros {
	if first := all.firstAfter(e); first != nil {
		return first.At
	}
	return 0
}

// HasBefore reports whether a truncate with the time of an event precedes it.
func (all Truncations) HasBefore(e *change.Event) bool {
	return slices.ContainsFunc(all, func(tr Truncation) bool { return tr.Origin == e.Origin && tr.At == e.Time && tr.LSN < e.LSN })
}

// MayPrecedeTruncate reports whether an event may precede a truncate of its table, share its time,
// be its repetition, or have moved between partitions.
func MayPrecedeTruncate(e *change.Event, bounds catalog.TruncateBounds) bool {
	if e.Time > bounds.Time {
		return false
	}
	return e.LSN < bounds.LSN || e.Time == bounds.Time || e.Op == change.Truncate && e.LSN == bounds.LSN || MayHaveMoved(e)
}

// HasApplied reports whether a truncate has been applied, from any partition.
func (all Truncations) HasApplied(e *change.Event) bool {
	return slices.ContainsFunc(all, func(tr Truncation) bool {
		return tr.LSN == e.LSN && tr.At == e.Time && tr.Origin == e.Origin && e.LSN != 0
	})
}

// MarkPreceding marks the changes of a chunk that precede an applied truncate.
func (all Truncations) MarkPreceding(f *FoldedChunk, events []change.Event) {
	if len(all) == 0 {
		return
	}
	for i := range f.Changes {
		it := &f.Changes[i]
		if first := all.firstAfter(&events[it.Event]); first != nil {
			it.TruncatedAt, it.truncatedLSN, f.PrecedesTruncate = first.At, first.LSN, true
		}
	}
}
