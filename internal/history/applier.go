package history

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/checkpoint"
	"metadb/internal/ddl"
	"metadb/internal/plan"
)

// Config is what an Applier needs.
type Config struct {
	// Connect opens a connection to the target database, as the role that
	// owns the tables.
	Connect func(ctx context.Context) (*pgx.Conn, error)
	// Source is the data source, Group its consumer group: together they
	// name the stored positions.
	Source, Group string
	// Store is the catalog of target tables. It changes after a commit only.
	Store *catalog.Store
	// Logger gets the schema changes.
	Logger *slog.Logger
}

// Applier applies batches, one at a time, on a connection of its own. It is not
// safe for concurrent use.
type Applier struct {
	config Config
	conn   *pgx.Conn
	stages *stages
	// habits remember what the last chunks of the tables were like.
	habits map[change.Table]habit
	// mappings and layouts are what is known of the JSON mappings, kin which
	// tables are transformed from which. They are made again where what they
	// were made of changes.
	mappings mappings
	layouts  map[change.Table]*knownLayout
	kin      kin
	// pieceBytes is about how much memory the transformed rows of one side,
	// before or after, may take: a chunk whose documents make more is dealt
	// with in pieces.
	pieceBytes int
}

// defaultPieceBytes is what the documents of a batch take when each has some thirty
// values.
const defaultPieceBytes = 12 << 20

// New returns an applier. It connects with the first batch.
func New(config Config) *Applier {
	return &Applier{config: config, habits: make(map[change.Table]habit), pieceBytes: defaultPieceBytes}
}

// Close closes the connection.
func (a *Applier) Close(ctx context.Context) error {
	if a.conn == nil {
		return nil
	}
	conn := a.conn
	a.conn = nil
	return conn.Close(ctx)
}

// Apply applies a batch wholly or not at all. After an error nothing of it is
// in the database, unless the connection was lost during the commit; then the
// same batch again is an error that wraps checkpoint.ErrFenced if it was
// committed. A record that can't be applied is not an error: it is set aside in
// metadb.rejected_event.
func (a *Applier) Apply(ctx context.Context, batch *change.Batch) (change.Outcome, error) {
	r := &run{Applier: a, batch: batch}
	return a.within(ctx, r, r.apply)
}

// within does something in a transaction and takes over what it did to the
// tables.
func (a *Applier) within(ctx context.Context, run *run, do func(context.Context) error) (change.Outcome, error) {
	if err := a.connect(ctx); err != nil {
		return change.Outcome{}, err
	}
	began := time.Now()
	tx, err := a.conn.Begin(ctx)
	if err != nil {
		return change.Outcome{}, fmt.Errorf("begin: %w", err)
	}
	run.tx = tx
	if err := do(ctx); err != nil {
		a.rollBack(ctx, tx)
		return change.Outcome{}, err
	}
	took := &run.outcome.Took
	took.Apply = time.Since(began) - took.Plan
	if err := tx.Commit(ctx); err != nil {
		a.rollBack(ctx, tx)
		return change.Outcome{}, fmt.Errorf("commit: %w", err)
	}
	took.Commit = time.Since(began) - took.Apply - took.Plan
	a.config.Store.Publish(run.published()...)
	a.stages.committed()
	for _, t := range run.settled {
		a.habits[t.table.Name] = t.habit
	}
	run.outcome.Tables = run.tallies
	return run.outcome, nil
}

// rollBack ends a transaction that failed. A connection that can't even do that
// is given up, and so are the temporary tables on it.
func (a *Applier) rollBack(ctx context.Context, tx pgx.Tx) {
	a.layouts = nil
	a.stages.rolledBack()
	if err := tx.Rollback(context.WithoutCancel(ctx)); err == nil || !a.conn.IsClosed() {
		return
	}
	a.conn = nil
}

// connect makes a connection where there is none.
func (a *Applier) connect(ctx context.Context) error {
	if a.conn != nil && !a.conn.IsClosed() {
		return nil
	}
	conn, err := a.config.Connect(ctx)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	if _, err := conn.Exec(ctx, sessionSQL); err != nil {
		_ = conn.Close(ctx)
		return fmt.Errorf("prepare the session: %w", err)
	}
	a.conn, a.stages = conn, newStages()
	return nil
}

// sessionSQL sets what the results depend on, and what keeps plans stable: the
// temporary tables have no statistics, and the tables that they are joined with
// grow from nothing, so that anything but an index scan is a plan that was right
// an hour ago. A commit need not wait for the disk: positions and rows are lost
// together if PostgreSQL crashes, and are read again. Long values keep the
// compression that they get in a temporary table, which has to be the target's.
const sessionSQL = `
	SET application_name = 'metadb stream';
	SET timezone = 'UTC';
	SET datestyle = 'ISO, MDY';
	SET intervalstyle = 'postgres';
	SET bytea_output = 'hex';
	SET extra_float_digits = 1;
	SET client_encoding = 'UTF8';
	SET search_path = pg_catalog;
	SET statement_timeout = 0;
	SET idle_in_transaction_session_timeout = 0;
	SET lock_timeout = '3s';
	SET jit = off;
	SET max_parallel_workers_per_gather = 0;
	SET temp_buffers = '32MB';
	SET work_mem = '32MB';
	SET seq_page_cost = 100;
	SET random_page_cost = 1;
	SET enable_hashjoin = off;
	SET enable_mergejoin = off;
	SET synchronous_commit = off;
	SET client_min_messages = 'warning';
	SELECT set_config('default_toast_compression', 'lz4', false)
		FROM pg_settings
		WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)`

// run is one batch being applied.
type run struct {
	*Applier
	tx pgx.Tx
	// batch is the segment of the batch that is being applied, snapshot the
	// tables that it finds, tables those that it changes.
	batch    *change.Batch
	snapshot *catalog.Snapshot
	tables   []*target
	// waits are the records that events may have to wait for, anyRejected
	// that the source has some that were set aside before.
	waits       waits
	anyRejected bool
	// retried are the events that had been set aside and are tried again;
	// nil for a batch.
	retried map[change.Position]*change.Rejected
	// settled are the tables of all segments, as they are after the last.
	settled []*target
	outcome change.Outcome
	rejects []reject
	// tallies are Outcome.Tables.
	tallies map[change.Table]change.Tally
	// keyed are indexes of rejects whose key could be read, in a
	// resynchronization.
	keyed []int
	// family are the transformed tables that the batch has come to.
	family map[change.Table]*target
	// transformed counts what was done to them.
	transformed change.Outcome
}

// target is one table in one batch.
type target struct {
	table *catalog.Table
	delta plan.Delta
	// events are the indexes of the table's events in the batch, in order.
	events []int
	habit
	// refused says that the table can't be made.
	refused bool
	// changed says that the table differs from what is published.
	changed bool
	// lastEndMoved says that table.LastEnd has to be stored.
	lastEndMoved bool
	// severalMatched says that a key had several current rows.
	severalMatched bool
}

// apply does everything between begin and commit.
func (r *run) apply(ctx context.Context) error {
	if r.batch.Impatient {
		if _, err := r.tx.Exec(ctx, "SET LOCAL lock_timeout = '300ms'"); err != nil {
			return fmt.Errorf("set the patience for locks: %w", err)
		}
	}
	if err := checkpoint.Advance(ctx, r.tx, r.batch.Source, r.config.Group, r.batch.Spans); err != nil {
		return err
	}
	if err := r.loadWaits(ctx); err != nil {
		return err
	}
	if err := r.loadMappings(ctx); err != nil {
		return err
	}
	batch, events := r.batch, r.batch.Events
	if err := r.applySegments(ctx, events); err != nil {
		return err
	}
	for table, news := range batch.Snapshots {
		if err := StoreSnapshot(ctx, r.tx, Snapshot{batch.Source, table}, news); err != nil {
			return err
		}
	}
	if err := r.storeRejects(ctx); err != nil {
		return err
	}
	if err := r.tellOvertaken(ctx, events); err != nil {
		return err
	}
	if err := r.storeLastEnds(ctx); err != nil {
		return err
	}
	return r.dropOldStages(ctx)
}

// distribute gives every event to its table, or to the rejected ones. Order is
// kept; an event whose table does not exist and is not to be created (a delete
// in a table that never had a row) has nothing to do.
func (r *run) distribute(made *plan.Plan) {
	byName := make(map[change.Table]*target, len(made.Deltas))
	for _, delta := range made.Deltas {
		t := &target{table: delta.After, delta: delta, habit: r.habits[delta.After.Name]}
		byName[delta.After.Name] = t
		r.tables = append(r.tables, t)
	}
	var last *target
	for i := range r.batch.Events {
		e := &r.batch.Events[i]
		if e.Op == change.Ignore {
			continue
		}
		if e.Op == change.Reject {
			r.reject(i, change.Unreadable, e.Reason).unconfirmed = e.Confirm
			if e.Confirm && e.Shape != nil {
				r.keyed = append(r.keyed, len(r.rejects)-1)
			}
			continue
		}
		if reason, refused := made.Refused[i]; refused {
			r.reject(i, change.NoTable, reason)
			continue
		}
		r.outcome.Applied++
		r.outcome.ByOp[e.Op]++
		if last == nil || last.table.Name != e.Table {
			last = byName[e.Table]
		}
		if last != nil {
			last.events = append(last.events, i)
		}
	}
}

// applyTable makes the table as it has to be and applies its events.
func (r *run) applyTable(ctx context.Context, t *target) error {
	if fits, err := r.fit(ctx, t); !fits || err != nil {
		return err
	}
	if t.changed {
		r.outcome.SchemaChanges++
	}
	if err := r.rekey(ctx, t); err != nil {
		return err
	}
	fresh := t.delta.Before == nil
	t.allNew = t.allNew || fresh
	if err := r.placeOvertaken(ctx, t); err != nil {
		return err
	}
	for _, c := range cut(t, r.batch.Events) {
		if err := r.applyChunk(ctx, t, c); err != nil {
			return err
		}
	}
	if !t.table.Guarded && t.severalMatched {
		table, err := ddl.Guard(ctx, r.tx, t.table)
		if err != nil {
			return err
		}
		t.table, t.changed = table, true
	}
	return nil
}

// published returns the tables that differ from the present catalog.
func (r *run) published() []*catalog.Table {
	var tables []*catalog.Table
	for _, t := range r.settled {
		if t.changed {
			tables = append(tables, t.table)
		}
	}
	return tables
}
