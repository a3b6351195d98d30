package apply

import (
	"context"
	"fmt"

	"metadb/internal/change"
	"metadb/internal/target/history"
	"metadb/internal/transform/jsonmap"
)

// transformedUpdate is the update of the transformed tables by a chunk of their parent. loadStored
// reads from the database first. Then, piece by piece, the documents are parsed and compared
// (addDocuments, compareDocuments), which needs no connection, and the differences are written
// (writePiece).
type transformedUpdate struct {
	*batchTx
	parent *tableState
	folded *history.FoldedChunk
	set    *jsonmap.MappingSet
	layout *jsonmap.Layout
	// newer are the rows of new versions, older those of ended versions, keys those with known
	// positions only, kept the older rows of replacedRows that differ, and scratch those of one
	// document.
	newer, older, keys, kept, scratch *jsonmap.Rows
	// effects are the effects of the chunk. The piece is those from pieceStart to pieceEnd.
	effects              []history.RowEffect
	pieceStart, pieceEnd int
	// comparedEffects marks the effects with noted differences, nil if there are no such effects.
	comparedEffects []bool
	// documents are those of the new versions, endedDocuments those of ended versions, by id.
	// existing are rows read from the transformed tables, where the documents are not enough.
	// childrenComplete is set if the transformed tables have all rows of their parents' documents.
	documents        *newDocuments
	endedDocuments   map[int64][][]byte
	existing         existingRows
	childrenComplete bool
	// replacedRows and childRows are the differences of the piece, for each table of the set: those
	// with both documents known, and the others.
	replacedRows [][]replacedRow
	childRows    [][]childRow
	changes      []jsonmap.Change
	textBuffer   [][]byte
}

func (r *batchTx) newTransformedUpdate(t *tableState, f *history.FoldedChunk, set *jsonmap.MappingSet) *transformedUpdate {
	d := &transformedUpdate{
		batchTx: r, parent: t, folded: f, set: set, childrenComplete: t.table.MappingFingerprint == set.Fingerprint(),
		childRows: make([][]childRow, len(set.Targets)), replacedRows: make([][]replacedRow, len(set.Targets)),
	}
	d.resetPiece()
	return d
}

// resetPiece clears the rows of a piece. The layout is made again if transformed tables have
// changed.
func (d *transformedUpdate) resetPiece() {
	known := d.batchTx.childLayout(d.parent.table, d.set)
	d.layout, d.older, d.newer, d.keys, d.kept, d.scratch = known.Layout, known.older, known.newer, known.keys, known.kept, known.scratch
	for table := range d.childRows {
		d.childRows[table], d.replacedRows[table] = d.childRows[table][:0], d.replacedRows[table][:0]
	}
}

// childRow is an event of a transformed table.
type childRow struct {
	// parentChange is the number of the change that has the parent's key.
	parentChange int
	from         *jsonmap.Rows
	row          int
	upsert       bool
	at           change.Micros
}

// replacedRow is a transformed row of an effect: old is its number in the kept rows, new in the
// newer ones, none if it is not there.
type replacedRow struct{ effect, old, new int32 }

// loadStored reads the documents of versions that have ended or lack values, and the transformed
// rows that do not follow from documents.
func (d *transformedUpdate) loadStored(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("transform rows of table %s: %w", d.parent.table.Name, err)
		}
	}()
	columns := documentColumns(d.parent.table, d.set)
	if d.documents, err = d.readNewDocuments(ctx, d.parent, d.folded, columns, d.effects); err != nil {
		return err
	}
	if d.childrenComplete && d.endedDocuments == nil {
		if d.endedDocuments, err = d.readEndedDocuments(ctx, d.parent, columns, d.effects); err != nil {
			return err
		}
	}
	asked := parentVersions{from: d.parent.table.History}
	for i := range d.effects {
		if d.childrenComplete && len(d.effects[i].EndedIDs) == 1 {
			continue
		}
		for _, id := range d.effects[i].EndedIDs {
			asked.ids, asked.effects = append(asked.ids, id), append(asked.effects, i)
		}
	}
	d.existing, err = d.readExistingRows(ctx, d.parent, d.set, asked)
	return err
}

// applyPieces compares and writes all pieces, after loadStored.
func (d *transformedUpdate) applyPieces(ctx context.Context) error {
	d.addDocuments()
	d.compareDocuments()
	return d.finishPieces(ctx)
}

// finishPieces writes a piece that has been compared, and then compares and writes the others.
func (d *transformedUpdate) finishPieces(ctx context.Context) error {
	for {
		if err := d.writePiece(ctx); err != nil {
			return err
		}
		if d.pieceStart = d.pieceEnd; d.pieceStart == len(d.effects) {
			return nil
		}
		d.resetPiece()
		d.addDocuments()
		d.compareDocuments()
	}
}

// addDocuments parses the documents of new versions, of as many effects as make a piece.
func (d *transformedUpdate) addDocuments() {
	for d.pieceEnd = d.pieceStart; d.pieceEnd < len(d.effects) && d.newer.Size() <= d.pieceBytes; d.pieceEnd++ {
		for _, b := range d.effects[d.pieceEnd].Written {
			d.textBuffer = d.documents.documentsOf(d.textBuffer[:0], b)
			d.layout.AddDocument(d.newer, d.textBuffer)
		}
	}
}
