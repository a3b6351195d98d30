package apply

import (
	"bytes"
	"slices"

	"metadb/internal/change"
	"metadb/internal/target/history"
	"metadb/internal/transform/jsonmap"
)

// rowSet are the transformed rows of a parent at one time, until end. The zero value has no rows.
type rowSet struct {
	rows     *jsonmap.Rows
	document int
	end      change.Micros
	// parentChange is the number of the version's change. keyForm has the bytes of its key, nil if
	// they are unknown.
	parentChange int
	keyForm      [][]byte
}

// compareDocuments parses the documents of the piece's ended versions, and notes the differences.
// It ends the piece earlier if they need too much memory.
func (d *transformedUpdate) compareDocuments() {
	document := 0
	for i := d.pieceStart; i < d.pieceEnd; i++ {
		if d.older.Size()+d.keys.Size()+d.kept.Size() > d.pieceBytes {
			d.pieceEnd = i
			return
		}
		effect := &d.effects[i]
		first := document
		document += len(effect.Written)
		switch {
		case d.comparedEffects != nil && d.comparedEffects[i]:
		case !d.isSingleReplacement(effect) || d.changesKeyForm(effect):
			d.diffVersions(i, first)
		case len(effect.EndedIDs) == 0:
			d.diffDocuments(i, nil, first)
		default:
			d.diffDocuments(i, d.endedDocuments[effect.EndedIDs[0]], first)
		}
	}
}

// compareOldRow takes the documents of the version id that effect i ends, when only the version
// that replaces it is known otherwise. The texts are valid until it returns. It reports whether the
// effect's documents certainly differ.
func (d *transformedUpdate) compareOldRow(i int, id int64, texts [][]byte) (differs bool) {
	if i >= d.pieceEnd || !sameKeyForm(d.keyForm(texts), d.newKeyForm(d.effects[i].Written[0])) {
		if d.endedDocuments == nil {
			d.endedDocuments = make(map[int64][][]byte)
		}
		for _, text := range texts {
			d.endedDocuments[id] = append(d.endedDocuments[id], bytes.Clone(text))
		}
		return false
	}
	if d.comparedEffects == nil {
		d.comparedEffects = make([]bool, len(d.effects))
	}
	d.comparedEffects[i] = true
	d.diffDocuments(i, texts, i-d.pieceStart)
	return slices.ContainsFunc(d.changes, func(c jsonmap.Change) bool { return c.Differs(d.scratch, d.newer) })
}

// diffVersions notes the differences from version to version of an effect. document is the number
// of its first new document.
func (d *transformedUpdate) diffVersions(i, document int) {
	effect := &d.effects[i]
	now := rowSet{}
	if len(effect.EndedIDs) > 0 {
		now = d.rowsBefore(i)
	}
	for _, b := range effect.Written {
		next := rowSet{rows: d.newer, document: document, end: b.End, parentChange: b.Change, keyForm: d.newKeyForm(b)}
		document++
		if !b.SucceedsCurrent {
			d.diffRowSets(now, rowSet{}, now.end)
			now = rowSet{}
		}
		d.diffRowSets(now, next, b.Start)
		now = next
	}
	if now.end != history.MaxTime {
		d.diffRowSets(now, rowSet{}, now.end)
	}
}

// rowsBefore returns the transformed rows of the versions that an effect has ended.
func (d *transformedUpdate) rowsBefore(i int) rowSet {
	effect := &d.effects[i]
	if d.childrenComplete && len(effect.EndedIDs) == 1 {
		past := d.endedDocuments[effect.EndedIDs[0]]
		return rowSet{rows: d.older, document: d.layout.AddDocument(d.older, past), end: effect.End, parentChange: effect.Head, keyForm: d.keyForm(past)}
	}
	return d.rowsByPosition(d.existing[i], effect.Head, effect.End)
}

// rowsByPosition returns existing transformed rows with known positions and unknown values. The
// change item has their key.
func (d *transformedUpdate) rowsByPosition(held []existingRow, item int, end change.Micros) rowSet {
	held = sortExistingRows(held)
	document := d.keys.AddPositions(func(yield func(int, []int32)) {
		for _, row := range held {
			yield(row.table, row.positions)
		}
	})
	return rowSet{rows: d.keys, document: document, end: end, parentChange: item}
}

// changesKeyForm reports whether the key of the version that an effect ends has other bytes than
// that of the version that replaces it. Different bytes may be equal keys in PostgreSQL; equal
// bytes always are.
func (d *transformedUpdate) changesKeyForm(effect *history.RowEffect) bool {
	if len(effect.EndedIDs) == 0 || len(effect.Written) == 0 {
		return false
	}
	return !sameKeyForm(d.keyForm(d.endedDocuments[effect.EndedIDs[0]]), d.newKeyForm(effect.Written[0]))
}

// keyForm returns the values of the key columns, which follow the documents in texts.
func (d *transformedUpdate) keyForm(texts [][]byte) [][]byte {
	return texts[min(len(d.set.Columns), len(texts)):]
}

// newKeyForm returns the values of the key columns of a new version.
func (d *transformedUpdate) newKeyForm(b history.WrittenVersion) [][]byte {
	return d.documents.valuesFrom(nil, b, len(d.set.Columns))
}

// sameKeyForm reports whether the values of two keys have the same bytes.
func sameKeyForm(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// isSingleReplacement reports whether the transformed rows of an effect are known from the
// documents before and after, with one change between them: at most one version has ended, and at
// most one has replaced it.
func (d *transformedUpdate) isSingleReplacement(effect *history.RowEffect) bool {
	if !d.childrenComplete || d.retried != nil || len(effect.EndedIDs) > 1 || len(effect.Written) > 1 {
		return false
	}
	return len(effect.Written) == 0 || effect.Written[0].End == history.MaxTime && (len(effect.EndedIDs) == 0 || effect.Written[0].SucceedsCurrent)
}

// diffDocuments notes the differences of an effect between the old documents, nil if there are no
// old ones, and the new document with a number.
func (d *transformedUpdate) diffDocuments(i int, before [][]byte, newer int) {
	older := history.None
	if before != nil {
		d.scratch.Reset()
		older = d.layout.AddDocument(d.scratch, before)
	}
	if len(d.effects[i].Written) == 0 {
		newer = history.None
	}
	d.changes = jsonmap.Changes(d.changes[:0], d.scratch, older, d.newer, newer)
	for _, c := range d.changes {
		row := replacedRow{effect: int32(i), old: history.None, new: int32(c.New)}
		if c.Old != history.None {
			row.old = int32(d.kept.Keep(d.scratch, c.Table, c.Old, d.newer, c.New))
		}
		if c.New != history.None {
			d.layout.NoteRow(d.newer, c.Table, c.New)
		}
		d.replacedRows[c.Table] = append(d.replacedRows[c.Table], row)
	}
}

// diffRowSets notes the differences between two sets of rows: rows end at the end of the first set,
// and begin at a time. If the bytes of the parent's key differ, all rows are noted.
func (d *transformedUpdate) diffRowSets(from, to rowSet, at change.Micros) {
	older, o, newer, n := from.rows, from.document, to.rows, to.document
	if older == nil {
		older, o = d.older, history.None
	}
	if newer == nil {
		newer, n = d.newer, history.None
	}
	changes := jsonmap.Changes
	if from.keyForm != nil && to.keyForm != nil && !sameKeyForm(from.keyForm, to.keyForm) {
		changes = jsonmap.AllPairs
	}
	d.changes = changes(d.changes[:0], older, o, newer, n)
	for _, c := range d.changes {
		if c.New == history.None {
			d.childRows[c.Table] = append(d.childRows[c.Table], childRow{parentChange: from.parentChange, from: older, row: c.Old, at: from.end})
			continue
		}
		d.layout.NoteRow(newer, c.Table, c.New)
		d.childRows[c.Table] = append(d.childRows[c.Table], childRow{parentChange: to.parentChange, from: newer, row: c.New, upsert: true, at: at})
	}
}
