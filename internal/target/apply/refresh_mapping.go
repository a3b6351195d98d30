package apply

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
	"metadb/internal/transform/jsonmap"
)

// RefreshOptions are the options of Refresh.
type RefreshOptions struct {
	Table change.Table
	// Exclusively runs a function while no batch is applied.
	Exclusively func(do func() error) error
	// Progress is called after each step with the number of rows read so far, and about how many
	// there are.
	Progress func(done, total int64)
	// Step is the number of rows that one transaction transforms; 0 means 2000.
	Step int
}

// RefreshResult has the effect of a refresh: the number of parent rows read, and of versions of
// transformed rows written and ended.
type RefreshResult struct{ Rows, Written, Ended int }

// defaultStep is the number of rows that take about half a second.
const defaultStep = 2000

// errMappingsChanged is the error of a refresh during which the table's mappings were changed.
var errMappingsChanged = errors.New("the table's mappings have been changed meanwhile: refresh it again")

// errNoTable is the error of a refresh of a table that does not exist or is a transformed one.
var errNoTable = errors.New("the table does not exist")

// Refresh transforms the current rows of a table by its present mappings, in steps between which
// batches are applied, and ends transformed rows that no mapping makes any more. It can be
// interrupted and started again: rows that exist already stay. When it is done the transformed
// tables are marked as complete, which makes updates faster.
func (a *Applier) Refresh(ctx context.Context, o RefreshOptions) (RefreshResult, error) {
	if o.Step == 0 {
		o.Step = defaultStep
	}
	f := &mappingRefresh{RefreshOptions: o}
	for !f.done {
		err := o.Exclusively(func() error {
			r := &batchTx{Applier: a, batch: &change.Batch{}}
			outcome, err := a.runTransaction(ctx, r, func(ctx context.Context) error { return f.transformStep(ctx, r) })
			f.warnings = append(f.warnings, outcome.Warnings...)
			return err
		})
		if err != nil {
			return f.RefreshResult, fmt.Errorf("refresh the mappings of table %s: %w", o.Table, err)
		}
		o.Progress(int64(f.Rows), max(f.total, int64(f.Rows)))
	}
	slices.Sort(f.warnings)
	for _, warning := range slices.Compact(f.warnings) {
		a.config.Logger.Warn(warning)
	}
	return f.RefreshResult, nil
}

// mappingRefresh is a running refresh.
type mappingRefresh struct {
	RefreshOptions
	RefreshResult
	started         bool
	fingerprint     string
	total           int64
	lastID, untilID int64
	now             time.Time
	done            bool
	warnings        []string
}

// transformStep transforms the rows of one step. The last step also ends the refresh.
func (f *mappingRefresh) transformStep(ctx context.Context, r *batchTx) error {
	if err := r.loadMappings(ctx); err != nil {
		return err
	}
	r.snapshot = r.config.Store.Snapshot()
	table := r.snapshot.Table(f.Table)
	if table == nil || table.IsTransformed() {
		return errNoTable
	}
	if err := r.checkUsable(table); err != nil {
		return fmt.Errorf("table %s can't be used: %w", table.Name, err)
	}
	set := r.mappings.setOf(table)
	if !f.started {
		if err := f.beginRefresh(ctx, r, table, set); err != nil {
			return err
		}
	}
	if set.Fingerprint() != f.fingerprint {
		return errMappingsChanged
	}
	t := &tableState{table: table}
	r.tables = append(r.tables, t)
	n := 0
	if !set.IsEmpty() {
		var err error
		if n, err = f.transformRows(ctx, r, t, set); err != nil {
			return err
		}
	}
	if n < f.Step {
		if err := f.finishRefresh(ctx, r, t, set); err != nil {
			return err
		}
	}
	for _, t := range r.tables {
		r.finishTable(t)
	}
	f.Written, f.Ended = f.Written+r.childOutcome.Written, f.Ended+r.childOutcome.Ended+r.outcome.Ended
	return r.storeLastEnds(ctx)
}

// beginRefresh notes the mappings, the number of rows and the last id at the beginning.
func (f *mappingRefresh) beginRefresh(ctx context.Context, r *batchTx, t *catalog.Table, set *jsonmap.MappingSet) error {
	f.started, f.fingerprint = true, set.Fingerprint()
	err := r.tx.QueryRow(ctx, "SELECT count(*), coalesce(max(__id), 0), date_trunc('milliseconds', clock_timestamp()) FROM "+t.Current.SQL()).
		Scan(&f.total, &f.untilID, &f.now)
	if err != nil {
		return fmt.Errorf("count the rows: %w", err)
	}
	return nil
}

// transformRows transforms the next rows and returns their number.
func (f *mappingRefresh) transformRows(ctx context.Context, r *batchTx, t *tableState, set *jsonmap.MappingSet) (int, error) {
	columns := documentColumns(t.table, set)
	c := &history.Chunk{}
	wanted := ""
	shape := &change.Shape{}
	for i, at := range t.table.Key {
		c.KeyIndexes = append(c.KeyIndexes, at)
		c.KeyColumns = append(c.KeyColumns, t.table.Columns[at].Column)
		shape.Key = append(shape.Key, i)
		wanted += ", p." + t.table.Columns[at].Stored.SQL()
	}
	shape.Columns = c.KeyColumns
	wanted += listDocuments(columns, storedColumnNamer(t.table, "p."))
	of := parentVersions{from: t.table.Current}
	f2 := &history.FoldedChunk{Chunk: c}
	documents := &newDocuments{fetched: make(map[int64][][]byte)}
	var effects []history.RowEffect
	sql := "SELECT p.__id, p.__start, p.__origin::text" + wanted + " FROM " + t.table.Current.SQL() +
		" AS p WHERE p.__id > $1 AND p.__id <= $2 ORDER BY p.__id LIMIT $3"
	params := [][]byte{pgbinary.Int8Bytes(f.lastID), pgbinary.Int8Bytes(f.untilID), pgbinary.Int8Bytes(int64(f.Step))}
	err := pgbinary.Query(ctx, r.tx, sql, params, func(row [][]byte) {
		n := len(effects)
		id := int64(binary.BigEndian.Uint64(row[0]))
		start := pgbinary.ReadTimestamptz(row[1])
		e := change.Event{Op: change.Upsert, Origin: change.Origin(row[2]), Time: start, Shape: shape}
		for _, value := range row[3 : 3+len(shape.Key)] {
			if value == nil {
				e.Row = change.AppendNull(e.Row)
			} else {
				e.Row = change.AppendValue(e.Row, value)
			}
		}
		texts := make([][]byte, len(columns))
		for i, column := range columns {
			texts[i] = column.documentText(slices.Clone(row[3+len(shape.Key)+i]))
		}
		documents.fetched[id] = texts
		r.batch.Events = append(r.batch.Events, e)
		f2.Changes = append(f2.Changes, history.RowChange{Event: n, Head: true, At: start})
		effects = append(effects, history.RowEffect{Head: n, Written: []history.WrittenVersion{{BegunVersion: history.BegunVersion{Change: n, Start: start, End: history.MaxTime, SucceedsCurrent: true}, ID: id}}})
		of.ids, of.effects = append(of.ids, id), append(of.effects, n)
		f.lastID = id
	})
	if err != nil {
		return 0, fmt.Errorf("read rows: %w", err)
	}
	held, err := r.readExistingRows(ctx, t, set, of)
	if err != nil {
		return 0, err
	}
	d := r.newTransformedUpdate(t, f2, set)
	for i := range effects {
		b := effects[i].Written[0]
		next := rowSet{rows: d.newer, document: d.layout.AddDocument(d.newer, documents.documentsOf(nil, b)), end: history.MaxTime, parentChange: i}
		d.diffRowSets(d.rowsByPosition(held[i], i, pgbinary.MicrosOf(f.now)), next, b.Start)
	}
	f.Rows += len(effects)
	return len(effects), d.writePiece(ctx)
}

// finishRefresh ends the rows that no mapping makes any more, and stores that the transformed
// tables are complete.
func (f *mappingRefresh) finishRefresh(ctx context.Context, r *batchTx, t *tableState, set *jsonmap.MappingSet) error {
	f.done = true
	for _, name := range r.childNames(t.table.Name) {
		child := r.childState(name)
		if child == nil {
			continue
		}
		where := "true"
		if slices.ContainsFunc(set.Targets, func(target string) bool { return childName(t.table.Name, target) == name }) {
			if !hasParentKey(child.table, t.table) {
				continue
			}
			where = isOrphanSQL(child.table, t.table)
		}
		if err := r.endRowsWhere(ctx, child, where, f.now); err != nil {
			return fmt.Errorf("end rows of table %s: %w", name, err)
		}
	}
	table := *t.table
	table.MappingFingerprint = set.Fingerprint()
	t.table, t.changed = &table, true
	return r.storeMapped(ctx, t.table)
}
