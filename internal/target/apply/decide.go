package apply

import (
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/change"
)

// endedVersion is a current version in the database that the chunk ends.
type endedVersion struct {
	// head is the number of the first change of its key.
	head       int
	id         int64
	ctid       pgtype.TID
	start, end change.Micros
}

// newVersion is a version that the chunk writes. It is current if end is maxTime.
type newVersion struct {
	// change is the number of the change with the version's row.
	change     int
	start, end change.Micros
	// succeedsCurrent is true if the key had a current version until then, so that it was not
	// deleted.
	succeedsCurrent bool
}

// confirmedRow is the id of a row that a resynchronization confirms, and the index in the batch of
// the event that confirms it.
type confirmedRow struct {
	id    int64
	event int
}

// decision contains the effects of a chunk on its table.
type decision struct {
	ended    []endedVersion
	versions []newVersion
	// confirmed are confirmed rows of the database. confirmedVersions are confirmed new versions;
	// their id is an index into versions.
	confirmed         []confirmedRow
	confirmedVersions []confirmedRow
	// traces are the versions that changes found unchanged or deleted.
	traces []versionTrace
	// matchedChains counts the chains with a current row, severalMatched those with more than one,
	// unchangedChains those with a first version that equals it.
	matchedChains, severalMatched, unchangedChains int
}

// versionTrace is the version that a change found unchanged or deleted: version is the index of a
// new version; if it is -1, id identifies a row in the database, or is -1 for a delete without
// effect.
type versionTrace struct {
	change, version int
	id              int64
}

// decide applies the history rules of docs/spec/01-tables.md#history-rules to the chains of a
// chunk. It is pure: the current rows and the results of comparisons are in m.
func decide(f *foldedChunk, m *chunkMatches) *decision {
	d := &decision{}
	for i := 0; i < len(f.changes); {
		end := f.chainEnd(i)
		d.decideChain(f.changes[i:end], i, m)
		i = end
	}
	return d
}

// chainState is the state of a key between two changes of its chain.
type chainState struct {
	// rows are the current rows of the database, until a change ends them. version is the index of
	// the current new version, or -1.
	rows    []currentRow
	version int
	// head is the number of the first change of the key.
	head int
	// lastEnd is the time at which the key's last version ended.
	lastEnd change.Micros
}

func (p *chainState) hasCurrent() bool { return len(p.rows) > 0 || p.version != none }

// decideChain decides the changes of one key. first is the number of the first change.
func (d *decision) decideChain(items []rowChange, first int, m *chunkMatches) {
	now := chainState{rows: m.currentRows(first), version: none, head: first, lastEnd: minTime}
	past, known := m.lastEnd[first]
	if !known {
		past = minTime
	}
	if len(now.rows) == 0 {
		now.lastEnd = past
	}
	switch {
	case len(now.rows) > 1:
		d.severalMatched++
		fallthrough
	case len(now.rows) == 1:
		d.matchedChains++
		if now.rows[0].sameValues {
			d.unchangedChains++
		}
	}
	var truncated change.Micros
	var truncatedLSN uint64
	for k := range items {
		it, number := &items[k], first+k
		if it.truncatedAt != truncated || it.truncatedLSN != truncatedLSN {
			d.endAtTruncate(&now, truncated)
			truncated, truncatedLSN = it.truncatedAt, it.truncatedLSN
		}
		switch {
		case m.repeated[number]:
			if it.upsert {
				d.confirmRepeated(now, it)
			}
		case !it.upsert:
			d.addTrace(&now, number)
			d.endCurrent(&now, it.at)
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
func (d *decision) endAtTruncate(now *chainState, at change.Micros) {
	if at != 0 && now.version != none {
		d.endCurrent(now, at)
	}
}

// addTrace records the version that a change found unchanged or deletes.
func (d *decision) addTrace(now *chainState, number int) {
	switch {
	case now.version != none:
		d.traces = append(d.traces, versionTrace{change: number, version: now.version})
	case len(now.rows) > 0:
		d.traces = append(d.traces, versionTrace{change: number, version: none, id: now.rows[0].id})
	default:
		d.traces = append(d.traces, versionTrace{change: number, version: none, id: none})
	}
}

// isUnchanged reports whether a change has the values of the current version. It is false if there
// are several current rows: all of them end.
func (d *decision) isUnchanged(now *chainState, it *rowChange, number int, m *chunkMatches) bool {
	if it.head {
		return len(now.rows) == 1 && now.rows[0].sameValues
	}
	return now.hasCurrent() && m.unchanged[number]
}

// endCurrent ends the current versions at the given time, or at their start if that is later: a
// range must not end before its start.
func (d *decision) endCurrent(now *chainState, at change.Micros) {
	for _, row := range now.rows {
		end := max(at, row.start)
		d.ended = append(d.ended, endedVersion{head: now.head, id: row.id, ctid: row.ctid, start: row.start, end: end})
		now.lastEnd = max(now.lastEnd, end)
	}
	if now.version != none {
		v := &d.versions[now.version]
		v.end = max(at, v.start)
		now.lastEnd = max(now.lastEnd, v.end)
	}
	now.rows, now.version = nil, none
}

// beginVersion makes the change's row the current version.
func (d *decision) beginVersion(now *chainState, it *rowChange, number int) {
	succeeds := now.hasCurrent()
	d.endCurrent(now, it.at)
	start := max(it.at, now.lastEnd)
	now.version = len(d.versions)
	d.versions = append(d.versions, newVersion{change: number, start: start, end: maxTime, succeedsCurrent: succeeds})
	d.confirmCurrent(now, it)
}

// confirmRepeated confirms the current versions that existed at the time of a repeated change.
// There may be several if the identity has changed since.
func (d *decision) confirmRepeated(now chainState, it *rowChange) {
	now.rows = slices.DeleteFunc(slices.Clone(now.rows), func(row currentRow) bool { return row.start > it.at })
	if now.version != none && d.versions[now.version].start > it.at {
		now.version = none
	}
	d.confirmCurrent(&now, it)
}

// confirmCurrent records that a resynchronization has confirmed the current versions.
func (d *decision) confirmCurrent(now *chainState, it *rowChange) {
	switch {
	case !it.confirm:
	case now.version != none:
		d.confirmedVersions = append(d.confirmedVersions, confirmedRow{int64(now.version), it.event})
	default:
		for _, row := range now.rows {
			d.confirmed = append(d.confirmed, confirmedRow{row.id, it.event})
		}
	}
}
