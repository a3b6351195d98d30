package history

import (
	"context"
	"fmt"

	"metadb/internal/change"
	"metadb/internal/transform"
)

// descent is a chunk of a table on its way into the transformed tables. First the
// database is asked for what only it knows (ask); then, piece by piece, the
// documents are taken apart and compared (add, compare), for which no connection
// is needed, and what differs is written (write).
type descent struct {
	*run
	parent *target
	folded *folded
	set    *transform.Set
	layout *transform.Layout
	// newer are the rows of new versions, older those of versions that have
	// ended, keys those of which only the positions are known. Of the older
	// rows of swaps only those that differ are kept; scratch has those of one
	// document.
	newer, older, keys, kept, scratch *transform.Rows
	// lines are what the chunk did, those from first to last the piece.
	lines       []lineage
	first, last int
	// compared are the lines whose swap has been noted, nil if none has.
	compared []bool
	// documents are those of the new versions, past those of versions that
	// have ended, by their ids; held are rows that transformed tables have,
	// where that has to be asked. complete says that they have what their
	// parents' documents say.
	documents *newDocuments
	past      map[int64][][]byte
	held      held
	complete  bool
	// swaps and rows are what is to be done with the piece, for each table of
	// the set: where all is known of both sides, and where it is not.
	swaps   [][]swapRow
	rows    [][]childRow
	changes []transform.Change
	texts   [][]byte
}

func (r *run) newDescent(t *target, f *folded, set *transform.Set) *descent {
	d := &descent{
		run: r, parent: t, folded: f, set: set, complete: t.table.Mapped == set.Text(),
		rows: make([][]childRow, len(set.Targets)), swaps: make([][]swapRow, len(set.Targets)),
	}
	d.clear()
	return d
}

// clear forgets the rows of a piece. The layout is made again if transformed tables
// have changed.
func (d *descent) clear() {
	known := d.run.layout(d.parent.table, d.set)
	d.layout, d.older, d.newer, d.keys, d.kept, d.scratch = known.Layout, known.older, known.newer, known.keys, known.kept, known.scratch
	for table := range d.rows {
		d.rows[table], d.swaps[table] = d.rows[table][:0], d.swaps[table][:0]
	}
}

// childRow is one event of a transformed table.
type childRow struct {
	// item is the number of the item that the parent's key is from.
	item   int
	from   *transform.Rows
	row    int
	upsert bool
	at     change.Micros
}

// swapRow is a transformed row of a line: old is its number in the rows that are
// kept, new in the newer ones, none where it is not there.
type swapRow struct{ line, old, new int32 }

// ask reads what has to be known from the database: documents of versions that have
// ended, or that lack values, and transformed rows where nothing else tells them.
func (d *descent) ask(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("transform rows of table %s: %w", d.parent.table.Name, err)
		}
	}()
	columns := documentColumns(d.parent.table, d.set)
	if d.documents, err = d.readNew(ctx, d.parent, d.folded, columns, d.lines); err != nil {
		return err
	}
	if d.complete && d.past == nil {
		if d.past, err = d.readEnded(ctx, d.parent, columns, d.lines); err != nil {
			return err
		}
	}
	asked := parents{from: d.parent.table.History}
	for i := range d.lines {
		if d.complete && len(d.lines[i].ended) == 1 {
			continue
		}
		for _, id := range d.lines[i].ended {
			asked.ids, asked.numbers = append(asked.ids, id), append(asked.numbers, i)
		}
	}
	d.held, err = d.readHeld(ctx, d.parent, d.set, asked)
	return err
}

// descend does everything piece by piece, after ask.
func (d *descent) descend(ctx context.Context) error {
	d.add()
	d.compare()
	return d.finish(ctx)
}

// finish writes a piece that has been compared, and does the others.
func (d *descent) finish(ctx context.Context) error {
	for {
		if err := d.write(ctx); err != nil {
			return err
		}
		if d.first = d.last; d.first == len(d.lines) {
			return nil
		}
		d.clear()
		d.add()
		d.compare()
	}
}

// add takes the documents of new versions apart, of as many lines as make a piece.
func (d *descent) add() {
	for d.last = d.first; d.last < len(d.lines) && d.newer.Size() <= d.pieceBytes; d.last++ {
		for _, b := range d.lines[d.last].begun {
			d.texts = d.documents.of(d.texts[:0], b)
			d.layout.Add(d.newer, d.texts)
		}
	}
}
