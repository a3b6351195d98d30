package source_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/pipeline"
	"metadb/internal/route"
	"metadb/internal/source"
	"metadb/internal/target/apply"
	"metadb/internal/target/catalog"
	"metadb/internal/target/checkpoint"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ledgerName  = "ledger"
	ledgerGroup = ""
	runTimeout  = time.Minute
)

// TestSourceWithoutTopics streams a source that has no topics, takes its own snapshot and has
// positions of two parts through the pipeline into PostgreSQL, by two sessions side by side. Batches
// end within transactions and within the snapshot, and the stream stops after a few of them, again
// and again: each change is applied once.
func TestSourceWithoutTopics(t *testing.T) {
	l := newLedger(rand.New(rand.NewPCG(20261201, 1)), 60)
	kinds, err := source.NewKinds(l.kind())
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, kinds)
	runs := 0
	for !r.isComplete(l) {
		if runs++; runs > 500 {
			t.Fatal("the stream makes no progress")
		}
		r.run(t, 1+runs%4)
	}
	if got, want := r.versionCounts(t), l.versionCounts(); !maps.Equal(got, want) {
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if got[key] != want[key] {
				t.Errorf("%s: %d versions, want %d", key, got[key], want[key])
			}
		}
		t.Fatalf("got %d counts, want %d", len(got), len(want))
	}
	if r.snapshots == 0 {
		t.Error("the end of the snapshot was not noticed")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.resumedInTransaction < 5 || l.resumedInSnapshot < 2 {
		t.Errorf("%d readers began within a transaction and %d within the snapshot: the test shows little", l.resumedInTransaction, l.resumedInSnapshot)
	}
	for _, table := range ledgerTables {
		if part := ledgerPartition(table); l.acknowledged[part] == 0 {
			t.Errorf("nothing of %s was acknowledged", part)
		}
	}
	t.Logf("%d runs, %d began within a transaction, %d within the snapshot", runs, l.resumedInTransaction, l.resumedInSnapshot)
}

// rig is the data path without a server.
type rig struct {
	db      *pgtest.DB
	options *datasource.Options
	open    source.Opener
	// snapshots counts reports of a complete snapshot.
	snapshots int
}

func newRig(t *testing.T, kinds source.Kinds) *rig {
	t.Helper()
	r := &rig{db: pgtest.New(t), options: datasource.New(ledgerName)}
	r.options.Type = "ledger"
	conn, err := pgx.Connect(t.Context(), r.db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if err := metaschema.Ensure(t.Context(), conn, "source"); err != nil {
		t.Fatal(err)
	}
	if err := datasource.Insert(t.Context(), conn, r.options); err != nil {
		t.Fatal(err)
	}
	stored, err := datasource.Load(t.Context(), conn, ledgerName)
	if err != nil {
		t.Fatal(err)
	}
	kind, err := kinds.Find(stored.Type)
	if err != nil {
		t.Fatal(err)
	}
	r.open = kind.NewOpener()
	return r
}

// loadProgress returns the stored progress.
func (r *rig) loadProgress(ctx context.Context, parts []change.Partition) (map[change.Partition]change.PartitionProgress, error) {
	return checkpoint.Load(ctx, r.db.Pool, ledgerName, ledgerGroup, parts)
}

// isComplete reports whether all of the log is applied.
func (r *rig) isComplete(l *ledger) bool {
	progress, err := r.loadProgress(context.Background(), nil)
	if err != nil {
		return false
	}
	last := fmt.Sprintf("end %d", l.transactions[len(l.transactions)-1].end)
	for _, table := range ledgerTables {
		if p := progress[ledgerPartition(table)]; p.Restart.Place != last || p.Next != p.Restart.Offset {
			return false
		}
	}
	return true
}

// run streams until some batches are applied, or nothing is left, as a server does that is killed
// then: what it has in memory is lost.
func (r *rig) run(t *testing.T, batches int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), runTimeout)
	defer cancel()
	store := catalog.NewStore()
	if err := store.Load(ctx, r.db.Pool); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	reader, err := r.open(source.Settings{Options: r.options, LoadProgress: r.loadProgress, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	watch := &rigReporter{rig: r, test: t, left: batches, stop: cancel}
	appliers := make([]pipeline.Applier, 2)
	for i := range appliers {
		applier := apply.New(apply.Config{
			Connect: func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, r.db.ConnString) },
			Source:  ledgerName, Group: ledgerGroup, Store: store, Logger: logger,
		})
		defer func() { _ = applier.Close(context.Background()) }()
		appliers[i] = applier
	}
	err = pipeline.Run(ctx, pipeline.Config{
		Name: ledgerName, Source: reader, Router: route.New(route.Config{}), Appliers: appliers, Reporter: watch,
		Logger: logger, BatchEvents: 3, MinShareEvents: 1,
		ExpectedSnapshots: func() []pipeline.ExpectedSnapshot { return []pipeline.ExpectedSnapshot{{}} },
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the pipeline ended: %v", err)
	}
}

// versionCounts returns the rows of the database in the form of ledger.versionCounts.
func (r *rig) versionCounts(t *testing.T) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	for _, table := range ledgerTables {
		for _, query := range []string{
			"SELECT '" + table + " ' || id, count(*)::int FROM library." + table + "__ GROUP BY id",
			"SELECT '" + table + " ' || id || ' = ' || v, 1 FROM library." + table,
		} {
			rows, err := r.db.Pool.Query(t.Context(), query)
			if err != nil {
				t.Fatal(err)
			}
			var key string
			var n int
			if _, err := pgx.ForEachRow(rows, []any{&key, &n}, func() error { counts[key] = n; return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	return counts
}

// rigReporter stops the pipeline after some batches, or when the log is applied.
type rigReporter struct {
	rig  *rig
	test *testing.T
	left int
	stop context.CancelFunc
}

var _ pipeline.Reporter = (*rigReporter)(nil)

func (r *rigReporter) Applied(change.Outcome, time.Time) {
	if r.left--; r.left <= 0 {
		r.stop()
	}
}
func (r *rigReporter) Failed(err error)               { r.test.Errorf("the stream failed: %v", err) }
func (r *rigReporter) Gap(gap change.Gap)             { r.test.Errorf("a gap: %+v", gap) }
func (r *rigReporter) Missing(gap change.Gap)         { r.test.Errorf("events are missing: %+v", gap) }
func (r *rigReporter) Refused(refusal string) bool    { r.test.Error(refusal); return true }
func (r *rigReporter) Skipped(_, _ change.Table) bool { return true }
func (r *rigReporter) Active()                        {}
func (r *rigReporter) Lag(int64)                      {}
func (r *rigReporter) SnapshotComplete(context.Context, pipeline.ExpectedSnapshot, pipeline.Completion) error {
	r.rig.snapshots++
	return nil
}
