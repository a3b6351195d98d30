package scenario_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/ident"
	"metadb/internal/pipeline"
	"metadb/internal/route"
	"metadb/internal/target/apply"
	"metadb/internal/target/catalog"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/pgtest"
)

// The data source of every scenario.
const (
	sourceName = "sensor"
	groupName  = "sensor_1"
)

// line is the data path without its source, over a database of its own.
type line struct {
	db     *pgtest.DB
	log    *warningLog
	router *route.Router
	// batchEvents is the most events of a batch, zero for the default.
	batchEvents int
	// sides has the tables of a batch applied side by side wherever that can be.
	sides bool

	store  *catalog.Store
	failed chan error
	cancel context.CancelFunc
	done   chan error
}

// newLine prepares a database as the first start of a server does.
func newLine(t *testing.T, db *pgtest.DB, options *datasource.Options, origins []string) *line {
	t.Helper()
	l := &line{db: db, log: &warningLog{}, router: router(t, options)}
	l.router.SetOrigins(origins)
	conn, err := pgx.Connect(t.Context(), db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if err := metaschema.Ensure(t.Context(), conn, "scenario"); err != nil {
		t.Fatal(err)
	}
	if err := datasource.Insert(t.Context(), conn, options); err != nil {
		t.Fatal(err)
	}
	return l
}

// resetDatabase empties a database, which is faster than creating another one.
func resetDatabase(t *testing.T, db *pgtest.DB) {
	t.Helper()
	rows, err := db.Pool.Query(t.Context(), `SELECT nspname FROM pg_namespace
		WHERE nspname !~ '^(pg_|information_schema$|public$)' ORDER BY nspname`)
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, schema := range schemas {
		if _, err := db.Pool.Exec(t.Context(), "DROP SCHEMA "+ident.Name(schema).SQL()+" CASCADE"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Pool.Exec(t.Context(), "DROP FUNCTION IF EXISTS mdbversion(), mdbusers(), mdblog(interval), ps()"); err != nil {
		t.Fatal(err)
	}
}

// refuseTemporary has an event trigger raise where a temporary table is made, until the
// function that it returns is called.
func refuseTemporary(t *testing.T, db *pgtest.DB) (end func()) {
	t.Helper()
	exec := func(sql string) {
		t.Helper()
		if _, err := db.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE FUNCTION public.no_temporary() RETURNS event_trigger LANGUAGE plpgsql AS
		$$ BEGIN IF current_query() ~ 'TEMPORARY' THEN RAISE EXCEPTION 'no temporary tables here'; END IF; END $$;
		CREATE EVENT TRIGGER no_temporary ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.no_temporary()`)
	return func() { exec("DROP FUNCTION public.no_temporary CASCADE") }
}

// router makes the router that the server makes of a source's options.
func router(t *testing.T, o *datasource.Options) *route.Router {
	t.Helper()
	config := route.Config{
		MapPublicSchema: o.MapPublicSchema, TrimSchemaPrefix: o.TrimSchemaPrefix, AddSchemaPrefix: o.AddSchemaPrefix,
	}
	var err error
	if config.SchemaPass, err = datasource.Expressions("schema_pass_filter", o.SchemaPassFilter); err != nil {
		t.Fatal(err)
	}
	if config.SchemaStop, err = datasource.Expressions("schema_stop_filter", o.SchemaStopFilter); err != nil {
		t.Fatal(err)
	}
	if config.TableStop, err = datasource.Expressions("table_stop_filter", o.TableStopFilter); err != nil {
		t.Fatal(err)
	}
	return route.New(config)
}

// start runs the pipeline over a source, as after a start of the server: the catalog
// is loaded from the database.
func (l *line) start(t *testing.T, source pipeline.Source, group string, inResync bool) {
	t.Helper()
	store := catalog.NewStore()
	l.store = store
	if err := store.Load(t.Context(), l.db.Pool); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(l.log)
	appliers := make([]pipeline.Applier, 1)
	if l.sides {
		appliers = make([]pipeline.Applier, 2)
	}
	for i := range appliers {
		appliers[i] = confirmingApplier{apply.New(apply.Config{
			Connect: func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, l.db.ConnString) },
			Source:  sourceName, Group: group, Store: store, Logger: logger,
		}), inResync}
	}
	ctx, cancel := context.WithCancel(t.Context())
	l.cancel, l.failed, l.done = cancel, make(chan error, 1), make(chan error, 1)
	go func() {
		err := pipeline.Run(ctx, pipeline.Config{
			Name: sourceName, Source: source, Router: l.router, Appliers: appliers, Reporter: reporter{l.failed},
			Logger: logger, BatchEvents: l.batchEvents, MinShareEvents: 1,
		})
		for _, applier := range appliers {
			err = errors.Join(err, applier.(confirmingApplier).Close(context.Background()))
		}
		l.done <- err
	}()
	t.Cleanup(func() { l.stop(t) })
}

// confirmingApplier has all events confirm in a resynchronization, as the server does.
type confirmingApplier struct {
	*apply.Applier
	confirm bool
}

func (m confirmingApplier) Apply(ctx context.Context, batch *change.Batch) (change.Outcome, error) {
	for i := range batch.Events {
		batch.Events[i].Confirm = m.confirm
	}
	return m.Applier.Apply(ctx, batch)
}

// stop ends the pipeline, as a stop of the server does.
func (l *line) stop(t *testing.T) {
	t.Helper()
	if l.cancel == nil {
		return
	}
	l.cancel()
	if err := <-l.done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	l.cancel = nil
	if failed := l.log.failedShare(); failed != "" {
		t.Error(failed)
	}
}

// warningLog is a log that keeps messages above INFO, and the failures of parallel
// shares.
type warningLog struct {
	mu    sync.Mutex
	lines []string
	share string
}

func (w *warningLog) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

func (w *warningLog) Handle(_ context.Context, record slog.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case strings.Contains(record.Message, "metadb.stage is used instead"): // see refuseTemporary
	case record.Level > slog.LevelInfo:
		w.lines = append(w.lines, record.Message)
	case strings.Contains(record.Message, "one after the other"):
		w.share = record.Message
	}
	return nil
}

// failedShare returns the failure of a share of a batch, empty without one.
func (w *warningLog) failedShare() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.share
}

func (w *warningLog) WithAttrs([]slog.Attr) slog.Handler { return w }
func (w *warningLog) WithGroup(string) slog.Handler      { return w }

func (w *warningLog) text() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.lines...)
}

// reporter fails the scenario with the pipeline's first failure: no step of a
// scenario needs a retry.
type reporter struct{ failed chan<- error }

var _ pipeline.Reporter = reporter{}

func (r reporter) Failed(err error) {
	select {
	case r.failed <- err:
	default:
	}
}

func (reporter) Active()                           {}
func (reporter) Applied(change.Outcome, time.Time) {}
func (reporter) Lag(int64)                         {}
func (reporter) Gap(change.Gap)                    {}
func (reporter) Missing(change.Gap)                {}
func (reporter) Skipped(_, _ change.Table) bool    { return true }
func (reporter) Refused(string) bool               { return true }
func (reporter) SnapshotComplete(context.Context, pipeline.ExpectedSnapshot, pipeline.Completion) error {
	return nil
}
