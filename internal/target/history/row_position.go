package history

import "metadb/internal/change"

// NoteFoundVersions records the position of an insert that was compared with the versions of its
// key.
func (p *RowPositions) NoteFoundVersions(versions []VersionInterval, e *change.Event) {
	for i := range versions {
		if v := &versions[i]; e.Created && v.SameValues && v.Start <= e.Time && e.Time < v.End {
			p.NoteFound(e, v.ID)
		}
	}
}

// IsAfter reports whether the position is later than that of an event.
func (p RowPosition) IsAfter(e *change.Event) bool {
	return p.At > e.Time || p.At == e.Time && p.LSN > e.LSN
}

func (p RowPosition) isAfterPosition(other RowPosition) bool {
	return p.At > other.At || p.At == other.At && p.LSN > other.LSN
}

// RowPosition is the position at the source of a change that made, found or ended the version id,
// or, with reinserts, inserted its row again.
type RowPosition struct {
	ID        int64
	LSN       uint64
	At        change.Micros
	Reinserts bool
}

// RowPositions are the noted positions of a table's changes.
type RowPositions []RowPosition

// Note notes the position of a change that made a version or found it. That is done for
// topics of one partition too: partitions may have been added, from which earlier changes are still
// to be read.
func (p *RowPositions) Note(e *change.Event, id int64, again bool) {
	if e.Partitions > 0 && e.LSN != 0 && e.Snapshot == change.Streamed && (e.Created || !again) {
		*p = append(*p, RowPosition{id, e.LSN, e.Time, again})
	}
}

// noteTrace notes the position of a change that made no version: it deleted a row or found it.
func (p *RowPositions) noteTrace(e *change.Event, id int64) {
	if e.Partitions > 0 && e.LSN != 0 && e.Snapshot == change.Streamed {
		*p = append(*p, RowPosition{id, e.LSN, e.Time, false})
	}
}

// KeyPositionID returns the id that stands for the versions of an event's key where a delete has
// found no version. It is negative; ids of versions are not.
func KeyPositionID(e *change.Event) int64 { return -1 - int64(change.KeyHash(e)>>1) }

// NoteFound notes the position of an upsert that found its row.
func (p *RowPositions) NoteFound(e *change.Event, id int64) {
	if e.Created {
		p.Note(e, id, true)
	} else {
		p.noteTrace(e, id)
	}
}

// NoteDecision notes the positions of the changes of a decision. ids are the ids of its versions.
func (p *RowPositions) NoteDecision(events []change.Event, f *FoldedChunk, d *Decision, ids []int64) {
	for i, v := range d.Versions {
		p.Note(&events[f.Changes[v.Change].Event], ids[i], false)
	}
	p.noteTraces(events, f, d, ids)
}

// noteTraces notes the positions of the changes that found or deleted rows.
func (p *RowPositions) noteTraces(events []change.Event, f *FoldedChunk, d *Decision, ids []int64) {
	for _, a := range d.traces {
		id := a.id
		if a.version != None {
			id = ids[a.version]
		}
		switch e := &events[f.Changes[a.change].Event]; {
		case e.Op == change.Upsert:
			p.NoteFound(e, id)
		case id == None:
			p.noteTrace(e, KeyPositionID(e))
		default:
			p.noteTrace(e, id)
		}
	}
}

// NoteReplacement notes the positions of the changes of a replacement.
func (p *RowPositions) NoteReplacement(events []change.Event, f *FoldedChunk, x *Replacement) {
	for n, v := range x.Decision.Versions {
		e := &events[f.Changes[v.Change].Event]
		if x.Unchanged[v.Change] {
			p.NoteFound(e, x.OldRows[v.Change].ID)
		} else {
			p.Note(e, x.IDs[n], false)
		}
	}
	p.noteTraces(events, f, x.Decision, x.IDs)
}
