package bench

import (
	"context"
	"fmt"
	"time"

	"metadb/internal/testkit/eventgen"
)

// manyGoal is the least rate, in events a second.
const manyGoal = 20_000

// measureMany measures hundreds of tables with a few events of each in a batch: half of them insert a row,
// half update one. It does so with rows of the other parts, and with small ones.
func (b *benchSite) measureMany(ctx context.Context) error {
	if err := b.measureManyOf(ctx, "rows of 1.2 KB", b.shared.generator.instanceTable("bench_wide"), b.shared.generator.instanceRow, manyGoal); err != nil {
		return err
	}
	return b.measureManyOf(ctx, "rows of 0.1 KB", loanTable("bench_narrow"), loanRow, 0)
}

// measureManyOf measures many tables with the columns of one.
func (b *benchSite) measureManyOf(ctx context.Context, what string, like eventgen.Table, row func(n, updates int) []any, goal float64) error {
	tables := make([]eventgen.Table, b.Tables)
	for i := range tables {
		tables[i] = like
		tables[i].Name = fmt.Sprintf("%s_%d", like.Name, i)
	}
	// The events that create the tables, and this year's history, are not measured.
	made := 2 * b.Tables
	err := b.feed.writeInTurn(ctx, tables, made, func(i int) eventgen.Change {
		b.feed.lsn += 8
		return eventgen.Change{Op: "cu"[i/b.Tables], Row: row(0, i/b.Tables), Time: time.Now(), LSN: b.feed.lsn}
	})
	if err != nil {
		return err
	}
	if err := b.startSource(ctx, like.Prefix, like.Prefix); err != nil {
		return err
	}
	if _, err := b.finishResult(ctx, partResult{name: "making tables"}, eventSpan{like.Prefix, 0, made, made}); err != nil {
		return err
	}
	if err := b.endInitial(ctx, like.Prefix); err != nil {
		return err
	}
	events := max(b.Updates/b.Tables, 1) * b.Tables
	err = b.feed.writeInTurn(ctx, tables, events, func(i int) eventgen.Change {
		b.feed.lsn += 8
		c := eventgen.Change{Op: 'c', Time: time.Now(), LSN: b.feed.lsn}
		// One round inserts a row into each table, the next one updates it.
		round := i / b.Tables
		c.Row = row(round/2+1, round%2)
		if round%2 == 1 {
			c.Op = 'u'
		}
		return c
	})
	if err != nil {
		return err
	}
	r := partResult{name: fmt.Sprintf("%d tables in turn, %s", b.Tables, what)}
	if r.use, err = b.readUse(ctx); err != nil {
		return err
	}
	if err := b.metadb.Start(ctx); err != nil {
		return err
	}
	if r, err = b.finishResult(ctx, r, eventSpan{like.Prefix, made, made + events, events}); err != nil {
		return err
	}
	b.addFigure(goalFigure{name: r.name, value: r.rowsPerSecond(), unit: "events/s", goal: goal})
	b.addResult(r)
	versions := (made + events) / b.Tables
	return b.verifyAll(
		ctx,
		queryCheck{"versions", "SELECT count(*) FROM inventory." + tables[b.Tables-1].Name + "__", versions},
	)
}

// loanTable returns a small table, like most tables of a database.
func loanTable(prefix string) eventgen.Table {
	return eventgen.Table{
		Prefix: prefix, Schema: "inventory", Name: "loan", Key: []int{0},
		Columns: []eventgen.Column{
			{Name: "id", Kind: eventgen.BigInt},
			{Name: "item", Kind: eventgen.UUID},
			{Name: "patron", Kind: eventgen.BigInt},
			{Name: "due", Kind: eventgen.TimestampTZ},
			{Name: "renewals", Kind: eventgen.Integer},
			{Name: "status"},
		},
	}
}

func loanRow(n, updates int) []any {
	return []any{
		int64(n), fmt.Sprintf("6312d172-f0cf-40f6-b27d-%012d", n), int64(n % 977), time.Unix(1_700_000_000, 0).Add(time.Duration(n) * time.Minute), int64(updates), "open",
	}
}
