package history

import (
	"slices"

	"metadb/internal/change"
	"metadb/internal/datatype"
)

// EndedVersion is a current version in the database that the chunk ends.
type EndedVersion struct {
	// Head is the number of the first change of its key.
	Head       int
	ID         int64
	CTID       CTID
	Start, End change.Micros
}

// BegunVersion is a version that the chunk writes. It is current if end is MaxTime.
type BegunVersion struct {
	// Change is the number of the change with the version's row.
	Change     int
	Start, End change.Micros
	// SucceedsCurrent is true if the key had a current version until then, so that it was not
	// deleted.
	SucceedsCurrent bool
}

// ConfirmedRow is the id of a row that a resynchronization confirms, and the index in the batch of
// the event that confirms it.
type ConfirmedRow struct {
	ID    int64
	Event int
}

// Decision contains the effects of a chunk on its table.
type Decision struct {
	Ended    []EndedVersion
	Versions []BegunVersion
	// Confirmed are confirmed rows of the database. ConfirmedVersions are confirmed new versions;
	// their id is an index into versions.
	Confirmed         []ConfirmedRow
	ConfirmedVersions []ConfirmedRow
	// traces are the versions that changes found unchanged or deleted.
	traces []versionTrace
	// MatchedChains counts the chains with a current row, SeveralMatched those with more than one,
	// UnchangedChains those with a first version that equals it.
	MatchedChains, SeveralMatched, UnchangedChains int
}

// versionTrace is the version that a change found unchanged or deleted: version is the index of a
// new version; if it is -1, id identifies a row in the database, or is -1 for a delete without
// effect.
type versionTrace struct {
	change, version int
	id              int64
}

// Decide applies the history rules of docs/spec/01-tables.md#history-rules to the chains of a
// chunk. It is pure: the current rows and the results of comparisons are in m.
func Decide(f *FoldedChunk, m *Matches) *Decision {
	d := &Decision{}
	for i := 0; i < len(f.Changes); {
		end := f.chainEnd(i)
		d.decideChain(f.Changes[i:end], i, m)
		i = end
	}
	return d
}

// chainState is the state of a key between two changes of its chain.
type chainState struct {
	// rows are the current rows of the database, until a change ends them. version is the index of
	// the current new version, or -1.
	rows    []CurrentRow
	version int
	// head is the number of the first change of the key.
	head int
	// lastEnd is the time at which the key's last version ended.
	lastEnd change.Micros
}

func (p *chainState) hasCurrent() bool { return len(p.rows) > 0 || p.version != None }

// decideChain decides the changes of one key. first is the number of the first change.
func (d *Decision) decideChain(items []RowChange, first int, m *Matches) {
	now := chainState{rows: m.CurrentRows(first), version: None, head: first, lastEnd: MinTime}
	past, known := m.LastEnd[first]
	if !known {
		past = MinTime
	}
	if len(now.rows) == 0 {
		now.lastEnd = past
	}
	switch {
	case len(now.rows) > 1:
		d.SeveralMatched++
		fallthrough
	case len(now.rows) == 1:
		d.MatchedChains++
		if now.rows[0].SameValues {
			d.UnchangedChains++
		}
	}
	var truncated change.Micros
	var truncatedLSN uint64
	for k := range items {
		it, number := &items[k], first+k
		if it.TruncatedAt != truncated || it.truncatedLSN != truncatedLSN {
			d.endAtTruncate(&now, truncated)
			truncated, truncatedLSN = it.TruncatedAt, it.truncatedLSN
		}
		switch {
		case m.Repeated[number]:
			if it.Upsert {
				d.confirmRepeated(now, it)
			}
		case !it.Upsert:
			d.addTrace(&now, number)
			d.endCurrent(&now, it.At)
			now.lastEnd = max(now.lastEnd, past)
		case d.isUnchanged(&now, it, number, m):
			d.confirmCurrent(&now, it)
			d.addTrace(&now, number)
		default:
			d.beginVersion(&now, it, number)
		}
	}
	d.endAtTruncate(&now, truncated)
}

// endAtTruncate ends the new version of an event at the time of the applied truncate that follows
// it; 0 means no truncate. Current rows of the database are later than that truncate.
func (d *Decision) endAtTruncate(now *chainState, at change.Micros) {
	if at != 0 && now.version != None {
		d.endCurrent(now, at)
	}
}

// addTrace records the version that a change found unchanged or deletes.
func (d *Decision) addTrace(now *chainState, number int) {
	switch {
	case now.version != None:
		d.traces = append(d.traces, versionTrace{change: number, version: now.version})
	case len(now.rows) > 0:
		d.traces = append(d.traces, versionTrace{change: number, version: None, id: now.rows[0].ID})
	default:
		d.traces = append(d.traces, versionTrace{change: number, version: None, id: None})
	}
}

// isUnchanged reports whether a change has the values of the current version. It is false if there
// are several current rows: all of them end.
func (d *Decision) isUnchanged(now *chainState, it *RowChange, number int, m *Matches) bool {
	if it.Head {
		return len(now.rows) == 1 && now.rows[0].SameValues
	}
	return now.hasCurrent() && m.Unchanged[number]
}

// endCurrent ends the current versions at the given time, or at their start if that is later: a
// range must not end before its start.
func (d *Decision) endCurrent(now *chainState, at change.Micros) {
	for _, row := range now.rows {
		end := max(at, row.Start)
		d.Ended = append(d.Ended, EndedVersion{Head: now.head, ID: row.ID, CTID: row.CTID, Start: row.Start, End: end})
		now.lastEnd = max(now.lastEnd, end)
	}
	if now.version != None {
		v := &d.Versions[now.version]
		v.End = max(at, v.Start)
		now.lastEnd = max(now.lastEnd, v.End)
	}
	now.rows, now.version = nil, None
}

// beginVersion makes the change's row the current version.
func (d *Decision) beginVersion(now *chainState, it *RowChange, number int) {
	succeeds := now.hasCurrent()
	d.endCurrent(now, it.At)
	start := max(it.At, now.lastEnd)
	now.version = len(d.Versions)
	d.Versions = append(d.Versions, BegunVersion{Change: number, Start: start, End: MaxTime, SucceedsCurrent: succeeds})
	d.confirmCurrent(now, it)
}

// confirmRepeated confirms the current versions that existed at the time of a repeated change.
// There may be several if the identity has changed since.
func (d *Decision) confirmRepeated(now chainState, it *RowChange) {
	now.rows = slices.DeleteFunc(slices.Clone(now.rows), func(row CurrentRow) bool { return row.Start > it.At })
	if now.version != None && d.Versions[now.version].Start > it.At {
		now.version = None
	}
	d.confirmCurrent(&now, it)
}

// confirmCurrent records that a resynchronization has confirmed the current versions.
func (d *Decision) confirmCurrent(now *chainState, it *RowChange) {
	switch {
	case !it.Confirm:
	case now.version != None:
		d.ConfirmedVersions = append(d.ConfirmedVersions, ConfirmedRow{int64(now.version), it.Event})
	default:
		for _, row := range now.rows {
			d.Confirmed = append(d.Confirmed, ConfirmedRow{row.ID, it.Event})
		}
	}
}

// minCopiedVersions is the number of rows from which on a COPY of new versions, for which the rows
// are sent again, is faster than an INSERT from the stage.
const minCopiedVersions = 100

// CanCopyVersions reports whether all versions of a decision are current, with rows that can be
// copied unchanged. Documents are not sent twice: parsing them again costs PostgreSQL more than
// COPY saves.
func (f *FoldedChunk) CanCopyVersions(d *Decision) bool {
	if len(d.Versions) < minCopiedVersions || !f.Chunk.Unconverted {
		return false
	}
	for _, fd := range f.Chunk.Fields {
		if datatype.InfoOf(fd.TypePath[0]).Document == datatype.ParsedDocument {
			return false
		}
	}
	for _, v := range d.Versions {
		if v.End != MaxTime || f.Changes[v.Change].Unavailable != nil {
			return false
		}
	}
	return true
}

// OrderIDs returns the ids by version, ascending in the order of the events, which is not that of
// the chains: versions that begin at one time have no other order.
func OrderIDs(ids []int64, f *FoldedChunk, d *Decision) []int64 {
	order := make([]int, len(d.Versions))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return f.Changes[d.Versions[a].Change].Event - f.Changes[d.Versions[b].Change].Event
	})
	placed := make([]int64, len(ids))
	for rank, i := range order {
		placed[i] = ids[rank]
	}
	return placed
}

// YearsNeeded returns the years of the starts of all versions that are written or moved. Current
// versions count too, since they will be moved later.
func (d *Decision) YearsNeeded() []int {
	found := make(map[int]bool)
	for _, e := range d.Ended {
		found[YearOf(e.Start)] = true
	}
	for _, v := range d.Versions {
		found[YearOf(v.Start)] = true
	}
	years := make([]int, 0, len(found))
	for y := range found {
		years = append(years, y)
	}
	slices.Sort(years)
	return years
}
