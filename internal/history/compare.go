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
		case !d.isSwap(line):
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
	if i >= d.last {
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
		next := holding{rows: d.newer, document: document, end: b.end}
		document++
		if !b.succeeds {
			d.step(line, now, holding{}, now.end)
			now = holding{}
		}
		d.step(line, now, next, b.start)
		now = next
	}
	if now.end != forever {
		d.step(line, now, holding{}, now.end)
	}
}

// before returns the transformed rows of the versions that a line has ended.
func (d *descent) before(i int) holding {
	line := &d.lines[i]
	if d.complete && len(line.ended) == 1 {
		return holding{rows: d.older, document: d.layout.Add(d.older, d.past[line.ended[0]]), end: line.end}
	}
	return d.known(d.held[i], line.end)
}

// known returns transformed rows of which only the positions are known.
func (d *descent) known(held []heldRow, end change.Micros) holding {
	held = sortedRows(held)
	document := d.keys.AddKeys(func(yield func(int, []int32)) {
		for _, row := range held {
			yield(row.table, row.ords)
		}
	})
	return holding{rows: d.keys, document: document, end: end}
}

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
// former ones do, and begin at a time.
func (d *descent) step(line *lineage, from, to holding, at change.Micros) {
	older, o, newer, n := from.rows, from.document, to.rows, to.document
	if older == nil {
		older, o = d.older, none
	}
	if newer == nil {
		newer, n = d.newer, none
	}
	d.changes = transform.Changes(d.changes[:0], older, o, newer, n)
	for _, c := range d.changes {
		if c.New == none {
			d.rows[c.Table] = append(d.rows[c.Table], childRow{line: line, from: older, row: c.Old, at: from.end})
			continue
		}
		d.layout.Note(newer, c.Table, c.New)
		d.rows[c.Table] = append(d.rows[c.Table], childRow{line: line, from: newer, row: c.New, upsert: true, at: at})
	}
}
