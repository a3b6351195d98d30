package history

import (
	"bytes"
	"slices"

	"metadb/internal/change"
	"metadb/internal/transform"
)

// holding are the transformed rows that a parent has at some point, until end.
// The zero value has none.
type holding struct {
	rows     *transform.Rows
	document int
	end      change.Micros
	// item is the number of the version's item, key the form of its key, nil where
	// that is not known.
	item int
	key  [][]byte
}

// compare takes the documents of the piece's ended versions apart and notes what
// differs. The piece becomes smaller where that takes too much memory.
func (d *descent) compare() {
	document := 0
	for i := d.first; i < d.last; i++ {
		if d.older.Size()+d.keys.Size()+d.kept.Size() > d.pieceBytes {
			d.last = i
			return
		}
		line := &d.lines[i]
		first := document
		document += len(line.begun)
		switch {
		case d.compared != nil && d.compared[i]:
		case !d.isSwap(line) || d.changesKeyForm(line):
			d.follow(i, first)
		case len(line.ended) == 0:
			d.swap(i, nil, first)
		default:
			d.swap(i, d.past[line.ended[0]], first)
		}
	}
}

// took takes notice of the documents of the version that line i ends, with its id,
// before anything else is known of the line but what takes its place. The texts are
// good until took returns. It reports whether the line's documents are certainly
// different.
func (d *descent) took(i int, id int64, texts [][]byte) (differs bool) {
	if i >= d.last || !sameKeyForm(d.keyForm(texts), d.newKeyForm(d.lines[i].begun[0])) {
		if d.past == nil {
			d.past = make(map[int64][][]byte)
		}
		for _, text := range texts {
			d.past[id] = append(d.past[id], bytes.Clone(text))
		}
		return false
	}
	if d.compared == nil {
		d.compared = make([]bool, len(d.lines))
	}
	d.compared[i] = true
	d.swap(i, texts, i-d.first)
	return slices.ContainsFunc(d.changes, func(c transform.Change) bool { return c.Differ(d.scratch, d.newer) })
}

// follow notes what changes from version to version of a line, whose new documents
// begin with number document.
func (d *descent) follow(i, document int) {
	line := &d.lines[i]
	now := holding{}
	if len(line.ended) > 0 {
		now = d.before(i)
	}
	for _, b := range line.begun {
		next := holding{rows: d.newer, document: document, end: b.end, item: b.item, key: d.newKeyForm(b)}
		document++
		if !b.succeeds {
			d.step(now, holding{}, now.end)
			now = holding{}
		}
		d.step(now, next, b.start)
		now = next
	}
	if now.end != forever {
		d.step(now, holding{}, now.end)
	}
}

// before returns the transformed rows of the versions that a line has ended.
func (d *descent) before(i int) holding {
	line := &d.lines[i]
	if d.complete && len(line.ended) == 1 {
		past := d.past[line.ended[0]]
		return holding{rows: d.older, document: d.layout.Add(d.older, past), end: line.end, item: line.item, key: d.keyForm(past)}
	}
	return d.known(d.held[i], line.item, line.end)
}

// known returns transformed rows of which only the positions are known, with an item
// that has their key.
func (d *descent) known(held []heldRow, item int, end change.Micros) holding {
	held = sortedRows(held)
	document := d.keys.AddKeys(func(yield func(int, []int32)) {
		for _, row := range held {
			yield(row.table, row.ords)
		}
	})
	return holding{rows: d.keys, document: document, end: end, item: item}
}

// changesKeyForm reports whether the version that a line ends may have its key in
// another form than the one that takes its place. Other bytes can be the same form to
// PostgreSQL, never the other way round.
func (d *descent) changesKeyForm(line *lineage) bool {
	if len(line.ended) == 0 || len(line.begun) == 0 {
		return false
	}
	return !sameKeyForm(d.keyForm(d.past[line.ended[0]]), d.newKeyForm(line.begun[0]))
}

// keyForm returns the values of the key's columns, which stand behind documents.
func (d *descent) keyForm(texts [][]byte) [][]byte {
	return texts[min(len(d.set.Columns), len(texts)):]
}

// newKeyForm is keyForm of a new version.
func (d *descent) newKeyForm(b begun) [][]byte { return d.documents.from(nil, b, len(d.set.Columns)) }

// sameKeyForm reports whether the values of two keys have the same bytes.
func sameKeyForm(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// isSwap reports whether the transformed rows of a line are known from its
// documents, before and after, with one change in between: at most one version has
// ended, and one has taken its place.
func (d *descent) isSwap(line *lineage) bool {
	if !d.complete || d.retried != nil || len(line.ended) > 1 || len(line.begun) > 1 {
		return false
	}
	return len(line.begun) == 0 || line.begun[0].end == forever && (len(line.ended) == 0 || line.begun[0].succeeds)
}

// swap notes what differs of a line from the documents before, nil if there were
// none, to the new one with a number.
func (d *descent) swap(i int, before [][]byte, newer int) {
	older := none
	if before != nil {
		d.scratch.Reset()
		older = d.layout.Add(d.scratch, before)
	}
	if len(d.lines[i].begun) == 0 {
		newer = none
	}
	d.changes = transform.Changes(d.changes[:0], d.scratch, older, d.newer, newer)
	for _, c := range d.changes {
		row := swapRow{line: int32(i), old: none, new: int32(c.New)}
		if c.Old != none {
			row.old = int32(d.kept.Keep(d.scratch, c.Table, c.Old, d.newer, c.New))
		}
		if c.New != none {
			d.layout.Note(d.newer, c.Table, c.New)
		}
		d.swaps[c.Table] = append(d.swaps[c.Table], row)
	}
}

// step notes what has to change from some rows to others: rows end when the
// former ones do, and begin at a time. Where their parent's key takes another form
// all of them may.
func (d *descent) step(from, to holding, at change.Micros) {
	older, o, newer, n := from.rows, from.document, to.rows, to.document
	if older == nil {
		older, o = d.older, none
	}
	if newer == nil {
		newer, n = d.newer, none
	}
	changes := transform.Changes
	if from.key != nil && to.key != nil && !sameKeyForm(from.key, to.key) {
		changes = transform.Pairs
	}
	d.changes = changes(d.changes[:0], older, o, newer, n)
	for _, c := range d.changes {
		if c.New == none {
			d.rows[c.Table] = append(d.rows[c.Table], childRow{item: from.item, from: older, row: c.Old, at: from.end})
			continue
		}
		d.layout.Note(newer, c.Table, c.New)
		d.rows[c.Table] = append(d.rows[c.Table], childRow{item: to.item, from: newer, row: c.New, upsert: true, at: at})
	}
}
