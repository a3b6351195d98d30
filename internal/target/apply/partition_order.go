package apply

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// The partitions of a topic may be read in another order than that of their changes: another member
// of the group had some of them, or partitions were added and keys have moved. A change that may
// have been in another partition is then judged by the row positions of its key. It has been
// applied if its own position is stored. It is late, and is inserted into history, if a later
// change has a position. It is new if neither holds and the last change of the key has its
// position.

// lastingVersion is a version of a suspect's key that ended at the suspect's time or later.
type lastingVersion struct {
	id         int64
	start, end change.Micros
	current    bool
	// sameValues is set if the version has the values of the event.
	sameValues bool
}

// showsApplied reports whether the version proves that an event with later changes has been
// applied: the version has its values and does not begin after it, or ended with the delete.
func (v *lastingVersion) showsApplied(e *change.Event, positions []rowPosition) bool {
	if e.Op == change.Delete {
		return v.end == e.Time && !v.current
	}
	return v.sameValues && v.start <= e.Time && !v.beganAfter(e, positions)
}

// beganAfter reports whether the version began at the time of an event, but with a later change, as
// far as positions of the version are stored.
func (v *lastingVersion) beganAfter(e *change.Event, positions []rowPosition) bool {
	first := uint64(math.MaxUint64)
	for _, p := range positions {
		if p.at == v.start && !p.reinserts {
			first = min(first, p.lsn)
		}
	}
	return v.start == e.Time && first > e.LSN && first != math.MaxUint64
}

// mayHaveMoved reports whether an event may have been in another partition of its topic.
func mayHaveMoved(e *change.Event) bool {
	return e.Suspect && !e.Repeated && e.Partitions > 1 && e.LSN != 0 && e.Snapshot == change.Streamed
}

// judgeByPositions finds which of the suspects have been applied, are late or are new, by the
// positions of the versions of their keys. Where they do not show it, the result of findRepeated
// stays.
func (r *batchTx) judgeByPositions(ctx context.Context, t *tableState, nulls nullPattern, f *foldedChunk, st *stage, suspects []bool, m *chunkMatches) error {
	asked, from := r.selectPositioned(f, suspects)
	if asked == nil {
		return nil
	}
	keys, err := r.loadLastingVersions(ctx, t, f, nulls, st, asked)
	if err != nil {
		return err
	}
	ids := make(map[int64]bool)
	for i := range asked {
		if !asked[i] {
			continue
		}
		ids[keyPositionID(&r.batch.Events[f.changes[i].event])] = true
		for _, v := range keys[i] {
			ids[v.id] = true
			// The change that made a version which lasts shows whether the event follows it.
			from = min(from, v.start)
		}
	}
	positions, err := r.loadPositionsOf(ctx, t, slices.Collect(maps.Keys(ids)), from)
	if err != nil {
		return err
	}
	for i := range asked {
		if asked[i] {
			t.judgeChange(&r.batch.Events[f.changes[i].event], i, keys[i], positions, m)
		}
	}
	return nil
}

// selectPositioned returns marks of the suspects that have a position in a topic of several
// partitions, nil if there are no such suspects, and the earliest of their times.
func (r *batchTx) selectPositioned(f *foldedChunk, suspects []bool) (asked []bool, from change.Micros) {
	for i, suspect := range suspects {
		it := &f.changes[i]
		if !suspect || !it.mayHaveMoved || r.retried != nil {
			continue
		}
		if asked == nil || it.at < from {
			from = it.at
		}
		asked = setMark(asked, i, len(f.changes))
	}
	return asked, from
}

// loadLastingVersions returns, for each marked change, the versions of its key that end at its time
// or later, in the order of their ends.
func (r *batchTx) loadLastingVersions(ctx context.Context, t *tableState, f *foldedChunk, nulls nullPattern, st *stage, asked []bool) (map[int][]lastingVersion, error) {
	c := f.chunk
	missing := f.missingColumns(asked)
	rows, err := r.tx.Query(ctx, "SELECT s.ord, c.__id, c.__start, c.__end, c.__current, s.upsert AND "+sameImageExceptSQL(t.table, missing)+" FROM "+st.SQL()+" s JOIN "+t.table.Main.SQL()+" c ON "+sameKeySQL(t.table, c.keyIndexes, nulls)+
		" WHERE ($1::boolean[])[s.ord + 1] AND c.__end >= s.at ORDER BY s.ord, c.__end, c.__id", asked)
	if err != nil {
		return nil, fmt.Errorf("find versions by their positions: %w", err)
	}
	found := make(map[int][]lastingVersion)
	var ord int
	var v lastingVersion
	var start, end time.Time
	_, err = pgx.ForEachRow(rows, []any{&ord, &v.id, &start, &end, &v.current, &v.sameValues}, func() error {
		v.start, v.end = microsOf(start), microsOf(end)
		found[ord] = append(found[ord], v)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find versions by their positions: %w", err)
	}
	return found, nil
}

// loadPositionsOf returns the positions of versions from a time on. Earlier ones that are stored
// with those may be among them.
func (r *batchTx) loadPositionsOf(ctx context.Context, t *tableState, ids []int64, from change.Micros) (map[int64][]rowPosition, error) {
	found := make(map[int64][]rowPosition, len(ids))
	for _, id := range ids {
		found[id] = nil
	}
	stored, err := r.readPositions(ctx, t, from, "u.id = ANY ($4)", ids)
	if err != nil {
		return nil, err
	}
	for _, p := range stored {
		found[p.id] = append(found[p.id], p)
	}
	for _, p := range t.positions {
		if known, asked := found[p.id]; asked {
			found[p.id] = append(known, p)
		}
	}
	return found, nil
}

// judgeChange notes whether a change has been applied, is late or is new, if the positions of its
// key's versions show that.
func (t *tableState) judgeChange(e *change.Event, i int, versions []lastingVersion, positions map[int64][]rowPosition, m *chunkMatches) {
	var later *rowPosition
	precede := func(p rowPosition) {
		if p.isAfter(e) && (later == nil || later.isAfterPosition(p)) {
			later = &p
		}
	}
	known := slices.Clone(positions[keyPositionID(e)])
	shown := false
	for _, v := range versions {
		shown = shown || v.showsApplied(e, positions[v.id])
		if v.start > e.Time {
			precede(rowPosition{id: v.id, at: v.start})
		}
		known = append(known, positions[v.id]...)
	}
	for _, p := range known {
		if p.lsn == e.LSN && p.at == e.Time {
			m.markRepeated(i)
			return
		}
		precede(p)
	}
	switch {
	case later != nil && shown:
		m.markRepeated(i)
	case later != nil:
		delete(m.repeated, i)
		m.noteSuperseded(i, *later)
	case len(versions) > 0 && t.hasLastPosition(e, versions[len(versions)-1], positions):
		delete(m.repeated, i)
	}
}

// hasLastPosition reports whether the position of the key's last change is known: the change that
// made its current version, or that ended its last one.
func (t *tableState) hasLastPosition(e *change.Event, last lastingVersion, positions map[int64][]rowPosition) bool {
	if last.current {
		return len(positions[last.id]) > 0
	}
	for _, p := range positions[last.id] {
		if p.at == last.end {
			return true
		}
	}
	return last.end == e.Time && t.hasTruncateBefore(e)
}

// isAfter reports whether the position is later than that of an event.
func (p rowPosition) isAfter(e *change.Event) bool {
	return p.at > e.Time || p.at == e.Time && p.lsn > e.LSN
}

func (p rowPosition) isAfterPosition(other rowPosition) bool {
	return p.at > other.at || p.at == other.at && p.lsn > other.lsn
}

// noteSuperseded notes that a change is late, and a later change that has been applied before it.
func (m *chunkMatches) noteSuperseded(item int, later rowPosition) {
	if m.supersededBy == nil {
		m.supersededBy = make(map[int]rowPosition)
	}
	m.supersededBy[item] = later
}

// findSuperseded returns a lateError with the late changes, which are inserted into history, or
// nil.
func (r *batchTx) findSuperseded(f *foldedChunk, m *chunkMatches) error {
	if len(m.supersededBy) == 0 {
		return nil
	}
	late := &lateError{}
	for i := range f.changes {
		if later, behind := m.supersededBy[i]; behind && !m.repeated[i] {
			event := f.changes[i].event
			late.events = append(late.events, event)
			if r.supersededBy == nil {
				r.supersededBy = make(map[change.Position]rowPosition)
			}
			r.supersededBy[r.batch.Events[event].Position] = later
		}
	}
	slices.Sort(late.events)
	return late
}
