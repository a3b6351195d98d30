package ddl_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
	"metadb/internal/target/plan"
)

// together runs n transactions at the same time, each in a connection of its
// own.
func (b *bench) together(n int, run func(ctx context.Context, tx pgx.Tx, i int) error) {
	b.t.Helper()
	results := make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			results[i] = pgx.BeginFunc(b.t.Context(), b.Pool, func(tx pgx.Tx) error { return run(b.t.Context(), tx, i) })
		})
	}
	running.Wait()
	if err := errors.Join(results...); err != nil {
		b.t.Fatal(err)
	}
}

// TestSourcesShareANewSchema has several data sources create their first table in one schema at the
// same time.
func TestSourcesShareANewSchema(t *testing.T) {
	b := newBench(t)
	tables := make([]*catalog.Table, 4)
	b.together(len(tables), func(ctx context.Context, tx pgx.Tx, i int) error {
		table := change.Table{Schema: "shared", Name: fmt.Sprint("table", i)}
		p := plan.Make(fmt.Sprint("source", i), []change.Event{upsert(table, 2026, column("id", change.Integer))}, nil)
		var err error
		tables[i], err = ddl.Execute(ctx, tx, p.Deltas[0], quiet())
		return err
	})
	b.store.Publish(tables...)
	b.checkLoaded()
}

// TestYearIsMadeTwice has the server create next year's partition while a batch creates it too.
func TestYearIsMadeTwice(t *testing.T) {
	b := newBench(t)
	b.apply(upsert(patron, 2026, column("id", change.Integer)))
	tables := make([]*catalog.Table, 2)
	b.together(len(tables), func(ctx context.Context, tx pgx.Tx, i int) error {
		var err error
		tables[i], err = ddl.EnsureYears(ctx, tx, b.store.Snapshot().Table(patron), []int{2027})
		return err
	})
	b.store.Publish(tables[0])
	b.checkLoaded()
}
