package apply

import (
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/change"
)

// endedVersion is a version in the database that stops being current.
type endedVersion struct {
	// head is the number of the first change of its key.
	head       int
	id         int64
	ctid       pgtype.TID
	start, end change.Micros
}

// newVersion is a new version. It is current while end is maxTime.
type newVersion struct {
	// change is the number of the change whose row it has.
	change     int
	start, end change.Micros
	// succeedsCurrent says that the row was current until then, and not deleted.
	succeedsCurrent bool
}

// confirmedRow is a row that a resynchronization confirms, and the event, by its index in
// the batch, that shows it.
type confirmedRow struct {
	id    int64
	event int
}

// decision is what a chunk does to its table.
type decision struct {
	ended    []endedVersion
	versions []newVersion
	// confirmed are rows in the database that a resynchronization confirms,
	// confirmedVersions new versions: id is an index.
	confirmed         []confirmedRow
	confirmedVersions []confirmedRow
	// traces are versions that changes found as they are, or deleted.
	traces []versionTrace
	// matchedChains counts the chains that had a current row, severalMatched those that
	// had more than one, unchangedChains those whose first version was the same.
	matchedChains, severalMatched, unchangedChains int
}

// versionTrace is a version that a change finds or deletes: the number of a new version, or none
// and the id of one in the database, none if it deletes nothing.
type versionTrace struct {
	change, version int
	id              int64
}

// decide applies the history rules of docs/spec/01-tables.md#history-rules to the chains of a chunk. It is
// pure: what is current and what equals what was asked before.
func decide(f *foldedChunk, m *chunkMatches) *decision {
	d := &decision{}
	for i := 0; i < len(f.changes); {
		end := f.chainEnd(i)
		d.decideChain(f.changes[i:end], i, m)
		i = end
	}
	return d
}

// chainState is what is current in a chain at some point.
type chainState struct {
	// rows are rows of the database, at the beginning; version is the index
	// of a new version after that, or none.
	rows    []currentRow
	version int
	// head is the number of the first change of the key.
	head int
	// lastEnd is when the key was last current, if it is not.
	lastEnd change.Micros
}

func (p *chainState) hasCurrent() bool { return len(p.rows) > 0 || p.version != none }

// decideChain decides about the changes of one key, the first of which is number first.
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

// endAtTruncate ends the version of an event that precedes a truncate applied before, at the
// time of that; 0 is none. What is current in the database follows the truncate.
func (d *decision) endAtTruncate(now *chainState, at change.Micros) {
	if at != 0 && now.version != none {
		d.endCurrent(now, at)
	}
}

// addTrace notes that a change finds what is current, or deletes it.
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

// isUnchanged reports whether a change says what is current already. Of several current
// rows none is: they all end.
func (d *decision) isUnchanged(now *chainState, it *rowChange, number int, m *chunkMatches) bool {
	if it.head {
		return len(now.rows) == 1 && now.rows[0].sameValues
	}
	return now.hasCurrent() && m.unchanged[number]
}

// endCurrent ends what is current, at the event's time or, where that is earlier, at
// its own start: ranges don't run backwards.
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

// beginVersion makes the change's row current.
func (d *decision) beginVersion(now *chainState, it *rowChange, number int) {
	succeeds := now.hasCurrent()
	d.endCurrent(now, it.at)
	start := max(it.at, now.lastEnd)
	now.version = len(d.versions)
	d.versions = append(d.versions, newVersion{change: number, start: start, end: maxTime, succeedsCurrent: succeeds})
	d.confirmCurrent(now, it)
}

// confirmRepeated confirms what is current and was when a change that repeats a change took
// place. Under what identified rows then, there may be several.
func (d *decision) confirmRepeated(now chainState, it *rowChange) {
	now.rows = slices.DeleteFunc(slices.Clone(now.rows), func(row currentRow) bool { return row.start > it.at })
	if now.version != none && d.versions[now.version].start > it.at {
		now.version = none
	}
	d.confirmCurrent(&now, it)
}

// confirmCurrent notes that the current version has been seen in a resynchronization.
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
