package history

import (
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/change"
)

// ending is a version in the database that stops being current.
type ending struct {
	// item is the number of the first item of its key.
	item       int
	id         int64
	place      pgtype.TID
	start, end change.Micros
}

// version is a new version. It is current while end is forever.
type version struct {
	// item is the number of the item whose row it has.
	item       int
	start, end change.Micros
	// succeeds says that the row was current until then, and not deleted.
	succeeds bool
}

// confirmation is a row that a resynchronization confirms, and the event, by its index in
// the batch, that shows it.
type confirmation struct {
	id    int64
	event int
}

// decision is what a chunk does to its table.
type decision struct {
	endings  []ending
	versions []version
	// confirmed are rows in the database that a resynchronization confirms,
	// confirmedVersions new versions: id is an index.
	confirmed         []confirmation
	confirmedVersions []confirmation
	// traces are versions that items found as they are, or deleted.
	traces []traced
	// matched counts the chains that had a current row, several those that
	// had more than one, same those whose first version was the same.
	matched, several, same int
}

// traced is a version that an item finds or deletes: the number of a new version, or none
// and the id of one in the database, none if it deletes nothing.
type traced struct {
	item, version int
	id            int64
}

// decide applies the history rules of docs/spec/01-tables.md#history-rules to the chains of a chunk. It is
// pure: what is current and what equals what was asked before.
func decide(f *folded, m *matches) *decision {
	d := &decision{}
	for i := 0; i < len(f.items); {
		end := f.chainEnd(i)
		d.chain(f.items[i:end], i, m)
		i = end
	}
	return d
}

// present is what is current in a chain at some point.
type present struct {
	// rows are rows of the database, at the beginning; version is the index
	// of a new version after that, or none.
	rows    []matched
	version int
	// first is the number of the first item of the key.
	first int
	// lastEnd is when the key was last current, if it is not.
	lastEnd change.Micros
}

func (p *present) exists() bool { return len(p.rows) > 0 || p.version != none }

// chain decides about the items of one key, the first of which is number first.
func (d *decision) chain(items []item, first int, m *matches) {
	now := present{rows: m.current(first), version: none, first: first, lastEnd: never}
	past, known := m.lastEnd[first]
	if !known {
		past = never
	}
	if len(now.rows) == 0 {
		now.lastEnd = past
	}
	switch {
	case len(now.rows) > 1:
		d.several++
		fallthrough
	case len(now.rows) == 1:
		d.matched++
		if now.rows[0].equal {
			d.same++
		}
	}
	var truncated change.Micros
	var truncatedLSN uint64
	for k := range items {
		it, number := &items[k], first+k
		if it.truncated != truncated || it.truncatedLSN != truncatedLSN {
			d.truncate(&now, truncated)
			truncated, truncatedLSN = it.truncated, it.truncatedLSN
		}
		switch {
		case m.repeated[number]:
			if it.upsert {
				d.confirmRepeated(now, it)
			}
		case !it.upsert:
			d.trace(&now, number)
			d.end(&now, it.at)
			now.lastEnd = max(now.lastEnd, past)
		case d.equal(&now, it, number, m):
			d.confirm(&now, it)
			d.trace(&now, number)
		default:
			d.begin(&now, it, number)
		}
	}
	d.truncate(&now, truncated)
}

// truncate ends the version of an event that precedes a truncate applied before, at the
// time of that; 0 is none. What is current in the database follows the truncate.
func (d *decision) truncate(now *present, at change.Micros) {
	if at != 0 && now.version != none {
		d.end(now, at)
	}
}

// trace notes that an item finds what is current, or deletes it.
func (d *decision) trace(now *present, number int) {
	switch {
	case now.version != none:
		d.traces = append(d.traces, traced{item: number, version: now.version})
	case len(now.rows) > 0:
		d.traces = append(d.traces, traced{item: number, version: none, id: now.rows[0].id})
	default:
		d.traces = append(d.traces, traced{item: number, version: none, id: none})
	}
}

// equal reports whether an item says what is current already. Of several current
// rows none is: they all end.
func (d *decision) equal(now *present, it *item, number int, m *matches) bool {
	if it.head {
		return len(now.rows) == 1 && now.rows[0].equal
	}
	return now.exists() && m.same[number]
}

// end ends what is current, at the event's time or, where that is earlier, at
// its own start: ranges don't run backwards.
func (d *decision) end(now *present, at change.Micros) {
	for _, row := range now.rows {
		end := max(at, row.start)
		d.endings = append(d.endings, ending{item: now.first, id: row.id, place: row.place, start: row.start, end: end})
		now.lastEnd = max(now.lastEnd, end)
	}
	if now.version != none {
		v := &d.versions[now.version]
		v.end = max(at, v.start)
		now.lastEnd = max(now.lastEnd, v.end)
	}
	now.rows, now.version = nil, none
}

// begin makes the item's row current.
func (d *decision) begin(now *present, it *item, number int) {
	succeeds := now.exists()
	d.end(now, it.at)
	start := max(it.at, now.lastEnd)
	now.version = len(d.versions)
	d.versions = append(d.versions, version{item: number, start: start, end: forever, succeeds: succeeds})
	d.confirm(now, it)
}

// confirmRepeated confirms what is current and was when an item that repeats a change took
// place. Under what identified rows then, there may be several.
func (d *decision) confirmRepeated(now present, it *item) {
	now.rows = slices.DeleteFunc(slices.Clone(now.rows), func(row matched) bool { return row.start > it.at })
	if now.version != none && d.versions[now.version].start > it.at {
		now.version = none
	}
	d.confirm(&now, it)
}

// confirm notes that the current version has been seen in a resynchronization.
func (d *decision) confirm(now *present, it *item) {
	switch {
	case !it.confirm:
	case now.version != none:
		d.confirmedVersions = append(d.confirmedVersions, confirmation{int64(now.version), it.event})
	default:
		for _, row := range now.rows {
			d.confirmed = append(d.confirmed, confirmation{row.id, it.event})
		}
	}
}
