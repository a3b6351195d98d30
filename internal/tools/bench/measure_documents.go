package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"metadb/internal/testkit/eventgen"
)

// The least ratios with JSON mappings (docs/spec/09-json-mappings.md): of a snapshot to a raw COPY of the
// same rows, and of updates that change one scalar to the same without mappings.
const (
	mappedSnapshotGoal = 0.3
	mappedUpdatesGoal  = 0.5
)

// documentTable returns a table with its data in a document of 1.3 KB.
func documentTable(prefix, name string) eventgen.Table {
	return eventgen.Table{
		Prefix: prefix, Schema: "inventory", Name: name, Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: eventgen.BigInt}, {Name: "data", Kind: eventgen.JSON}},
	}
}

// documentRow returns row n of a record after so many updates of its price: the
// document has thirteen scalars, an object with four, an array of two scalars and
// one of two objects with two each.
func documentRow(n, updates int) []any {
	return []any{int64(n), fmt.Sprintf(`{"id": "%08d-8cca-4d9c-82e4-5170ab2a0a39", "hrid": "in%011d", "title": "A semantic web primer %d %s", "source": "FOLIO", `+
		`"copies": %d, "price": %d.50, "active": true, "staffSuppress": false, "statusUpdatedDate": "2024-03-01T10:00:00.000+00:00", `+
		`"instanceTypeId": "6312d172-f0cf-40f6-b27d-9fa8feaf332f", "modeOfIssuanceId": "9d18a02f-5897-4c31-9106-c9abb5c7ae8b", "notes": "%s", "series": "%s", `+
		`"metadata": {"createdDate": "2024-01-01T10:00:00.000+00:00", "createdByUserId": "a3c1b2f0-0000-4000-8000-000000000001", `+
		`"updatedDate": "2024-02-01T10:00:00.000+00:00", "updatedByUserId": "a3c1b2f0-0000-4000-8000-000000000002"}, `+
		`"tags": ["important", "urgent"], `+
		`"identifiers": [{"value": "978%010d", "identifierTypeId": "8261054f-be78-422d-bd51-4ed9f33c3422"}, {"value": "(OCoLC)%d", "identifierTypeId": "439bfbae-75bc-4f74-9fc7-b2a2d47ce3ef"}]}`,
		n, n, n, strings.Repeat("of words ", 12), n%9, updates, strings.Repeat("nothing of note ", 16), strings.Repeat("one of many ", 9), n, n)}
}

// mappingCommands returns the commands that map a record.
func mappingCommands(name string) []string {
	var commands []string
	for _, mapping := range [][2]string{{"$", "t"}, {"$.metadata", "metadata"}, {"$.tags", "tags"}, {"$.identifiers", "identifiers"}} {
		commands = append(commands, "create data mapping for json from table inventory."+name+"__ column data path '"+mapping[0]+"' to '"+mapping[1]+"'")
	}
	return commands
}

// measureDocuments measures the cost of JSON mappings: a snapshot and updates of a table without mappings,
// and of one with four.
func (b *benchSite) measureDocuments(ctx context.Context) error {
	rows, updates := max(b.Rows/3, 1), max(b.Updates/2, 1)
	raw, err := newRawStream(documentTable("raw", "mapped"), rows, func(i int) []any { return documentRow(i, 0) })
	if err != nil {
		return err
	}
	before, err := b.copyRate(ctx, raw)
	if err != nil {
		return err
	}
	plain := 0.0
	for _, phase := range []documentPhase{
		{partResult: partResult{name: "documents, snapshot"}, table: "plain", end: rows, rows: rows},
		{partResult: partResult{name: "documents, four mappings, snapshot", goal: mappedSnapshotGoal}, table: "mapped", end: rows, rows: rows},
		{partResult: partResult{name: "documents, updates of a scalar"}, table: "plain", from: rows, end: rows + updates, rows: rows},
		{partResult: partResult{name: "documents, four mappings, updates", goal: mappedUpdatesGoal}, table: "mapped", from: rows, end: rows + updates, rows: rows},
	} {
		r, err := b.measurePhase(ctx, phase)
		if err != nil {
			return err
		}
		after, err := b.copyRate(ctx, raw)
		if err != nil {
			return err
		}
		r.yardstick = rateBetween(before, after)
		before = after
		if phase.from > 0 && phase.table == "mapped" {
			r.yardstick, r.against = plain, "of unmapped"
		}
		plain = r.rowsPerSecond()
		b.addResult(r)
	}
	return b.verifyAll(
		ctx,
		queryCheck{"versions of records", "SELECT count(*) FROM inventory.mapped__", rows + updates},
		queryCheck{"versions of scalars", "SELECT count(*) FROM inventory.mapped__t__", rows + updates},
		queryCheck{"versions of tags", "SELECT count(*) FROM inventory.mapped__tags__", 2 * rows},
		queryCheck{"versions of identifiers", "SELECT count(*) FROM inventory.mapped__identifiers__", 2 * rows},
	)
}

// documentPhase is the events from from to end of a table: a snapshot of rows rows, then updates of
// them in turn.
type documentPhase struct {
	partResult
	table           string
	from, end, rows int
}

func (b *benchSite) measurePhase(ctx context.Context, p documentPhase) (r partResult, err error) {
	r, prefix := p.partResult, "bench_"+p.table
	if err := b.feedDocuments(ctx, documentTable(prefix, p.table), p); err != nil {
		return r, err
	}
	if r.use, err = b.readUse(ctx); err != nil {
		return r, err
	}
	if p.from > 0 {
		err = b.metadb.Start(ctx)
	} else {
		err = b.mapDocuments(ctx, p.table, prefix)
	}
	if err != nil {
		return r, err
	}
	return b.finishResult(ctx, r, eventSpan{prefix, p.from, p.end, p.end - p.from})
}

// mapDocuments starts the server and creates the data source for the documents of a table, with
// mappings or without.
func (b *benchSite) mapDocuments(ctx context.Context, table, prefix string) error {
	if err := b.metadb.Start(ctx); err != nil {
		return err
	}
	if table == "mapped" {
		for _, command := range mappingCommands(table) {
			if err := b.metadb.Exec(ctx, command); err != nil {
				return err
			}
		}
	}
	return b.createSource(ctx, table, prefix)
}

// feedDocuments writes the events of a phase.
func (b *benchSite) feedDocuments(ctx context.Context, table eventgen.Table, p documentPhase) error {
	now := time.Now()
	return b.feed.writeChanges(ctx, table, p.end-p.from, func(i int) eventgen.Change {
		i += p.from
		b.feed.lsn += 8
		if i < p.rows {
			return eventgen.Change{Op: 'r', Row: documentRow(i, 0), Time: now, LSN: b.feed.lsn, Snapshot: "true"}
		}
		return eventgen.Change{Op: 'u', Row: documentRow(i%p.rows, i/p.rows), Time: now, LSN: b.feed.lsn}
	})
}
