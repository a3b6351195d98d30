package history

import (
	"math"
	"slices"

	"metadb/internal/change"
)

// LastingVersion is a version of a suspect's key that ended at the suspect's time or later.
type LastingVersion struct {
	ID         int64
	Start, End change.Micros
	Current    bool
	// SameValues is set if the version has the values of the event.
	SameValues bool
}

// showsApplied reports whether the version proves that an event with later changes has been
// applied: the version has its values and does not begin after it, or ended with the delete.
func (v *LastingVersion) showsApplied(e *change.Event, positions []RowPosition) bool {
	if e.Op == change.Delete {
		return v.End == e.Time && !v.Current
	}
	return v.SameValues && v.Start <= e.Time && !v.beganAfter(e, positions)
}

// beganAfter reports whether the version began at the time of an event, but with a later change, as
// far as positions of the version are stored.
func (v *LastingVersion) beganAfter(e *change.Event, positions []RowPosition) bool {
	first := uint64(math.MaxUint64)
	for _, p := range positions {
		if p.At == v.Start && !p.Reinserts {
			first = min(first, p.LSN)
		}
	}
	return v.Start == e.Time && first > e.LSN && first != math.MaxUint64
}

// MayHaveMoved reports whether an event may have been in another partition of its topic.
func MayHaveMoved(e *change.Event) bool {
	return e.Suspect && !e.Repeated && e.Partitions > 1 && e.LSN != 0 && e.Snapshot == change.Streamed
}

// PositionJudge judges the suspects of a chunk by the positions of the versions of their keys, which
// are by id of the version. It notes the result in matches.
type PositionJudge struct {
	Positions   map[int64][]RowPosition
	Truncations Truncations
	Matches     *Matches
}

// JudgeChange notes whether change i has been applied, is late or is new, if the positions of its
// key's versions show that.
func (j *PositionJudge) JudgeChange(e *change.Event, i int, versions []LastingVersion) {
	m, positions := j.Matches, j.Positions
	var later *RowPosition
	precede := func(p RowPosition) {
		if p.IsAfter(e) && (later == nil || later.isAfterPosition(p)) {
			later = &p
		}
	}
	known := slices.Clone(positions[KeyPositionID(e)])
	shown := false
	for _, v := range versions {
		shown = shown || v.showsApplied(e, positions[v.ID])
		if v.Start > e.Time {
			precede(RowPosition{ID: v.ID, At: v.Start})
		}
		known = append(known, positions[v.ID]...)
	}
	for _, p := range known {
		if p.LSN == e.LSN && p.At == e.Time {
			m.MarkRepeated(i)
			return
		}
		precede(p)
	}
	switch {
	case later != nil && shown:
		m.MarkRepeated(i)
	case later != nil:
		delete(m.Repeated, i)
		m.noteSuperseded(i, *later)
	case len(versions) > 0 && j.hasLastPosition(e, versions[len(versions)-1]):
		delete(m.Repeated, i)
	}
}

// hasLastPosition reports whether the position of the key's last change is known: the change that
// made its current version, or that ended its last one.
func (j *PositionJudge) hasLastPosition(e *change.Event, last LastingVersion) bool {
	if last.Current {
		return len(j.Positions[last.ID]) > 0
	}
	for _, p := range j.Positions[last.ID] {
		if p.At == last.End {
			return true
		}
	}
	return last.End == e.Time && j.Truncations.HasBefore(e)
}
