package apply

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/dbsession"
	"metadb/internal/target/gap"
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
	// RejectedLimit returns what may be set aside of the source. It is asked every few
	// seconds while events are set aside; nil is no bound.
	RejectedLimit func(ctx context.Context) (RejectedLimit, error)
	// Logger gets the schema changes.
	Logger *slog.Logger
}

// Applier applies batches, one at a time, on a connection of its own. It is not
// safe for concurrent use.
type Applier struct {
	config Config
	conn   *pgx.Conn
	stages *stagePool
	// defaultTablespace is the tablespace of the database, as an oid.
	defaultTablespace string
	// profiles remember what the last chunks of the tables were like.
	profiles map[change.Table]tableProfile
	// warnedColumns are the columns that warnOmitted has named.
	warnedColumns map[omittedColumn]bool
	// mappings and layouts are what is known of the JSON mappings, childIndex which
	// tables are transformed from which. They are made again where what they
	// were made of changes.
	mappings mappingSets
	layouts  map[change.Table]*cachedLayout
	// recordedFeeds are the topics and tables that are recorded in metadb.topic_table.
	recordedFeeds map[gap.Feed]bool
	// usage is what is set aside of the source, nil while it has not been counted.
	usage      *rejectedUsage
	childIndex childIndex
	// identifiedTables are the tables whose replica identity has been seen to, nil where
	// that has never been needed.
	identifiedTables map[change.Table]bool
	// pieceBytes is about how much memory the transformed rows of one side,
	// before or after, may take: a chunk whose documents make more is dealt
	// with in pieces.
	pieceBytes int
	// positionStores counts the batches of each table whose positions were stored since they were pruned.
	positionStores map[change.Table]int
}

// defaultPieceBytes is what the documents of a batch take when each has some thirty
// values.
const defaultPieceBytes = 12 << 20

// New returns an applier. It connects with the first batch.
func New(config Config) *Applier {
	return &Applier{config: config, profiles: make(map[change.Table]tableProfile), positionStores: make(map[change.Table]int), recordedFeeds: make(map[gap.Feed]bool), pieceBytes: defaultPieceBytes}
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
	r := &batchTx{Applier: a, batch: withoutRepeated(batch), keepsConfirmed: !batch.NotesChanges}
	return a.runTransaction(ctx, r, r.applyBatch)
}

// withoutRepeated returns a batch without the events that have been applied before, but
// for those that may confirm what they repeat.
func withoutRepeated(batch *change.Batch) *change.Batch {
	idle := func(e change.Event) bool {
		return e.Repeated && !(e.Confirm && (e.Op == change.Upsert || e.Op == change.Reject))
	}
	if !slices.ContainsFunc(batch.Events, idle) {
		return batch
	}
	rest := *batch
	rest.Events = slices.DeleteFunc(slices.Clone(batch.Events), idle)
	return &rest
}

// runTransaction does something in a transaction and takes over what it did to the
// tables.
func (a *Applier) runTransaction(ctx context.Context, run *batchTx, do func(context.Context) error) (change.Outcome, error) {
	if err := a.connect(ctx); err != nil {
		return change.Outcome{}, err
	}
	began := time.Now()
	tx, err := a.conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: run.beginSQL()})
	if err != nil {
		return change.Outcome{}, fmt.Errorf("begin: %w", err)
	}
	run.tx = tx
	err = do(ctx)
	if err == nil {
		err = run.emptyPermanentStage(ctx)
	}
	if err != nil {
		a.rollBack(ctx, tx)
		a.noteIdentityRefusal(err)
		a.nameEventTriggers(ctx, err)
		return change.Outcome{}, err
	}
	took := &run.outcome.Timings
	took.Apply = time.Since(began) - took.Plan
	if err := tx.Commit(ctx); err != nil {
		a.rollBack(ctx, tx)
		return change.Outcome{}, fmt.Errorf("commit: %w", err)
	}
	took.Commit = time.Since(began) - took.Apply - took.Plan
	a.config.Store.Publish(run.changedTables()...)
	a.stages.afterCommit()
	for _, t := range run.finishedTables {
		a.profiles[t.table.Name] = t.tableProfile
	}
	for _, feed := range run.newFeeds {
		a.recordedFeeds[feed] = true
	}
	for _, name := range run.newlyIdentified {
		a.identifiedTables[name] = true
	}
	run.outcome.Tables = run.tableStats
	return run.outcome, nil
}

// rollBack ends a transaction that failed. A connection that can't even do that
// is given up, and so are the temporary tables on it.
func (a *Applier) rollBack(ctx context.Context, tx pgx.Tx) {
	a.layouts, a.usage, a.warnedColumns = nil, nil, nil
	a.stages.afterRollback()
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
	if err := dbsession.Configure(ctx, conn, dbsession.Stream); err != nil {
		_ = conn.Close(ctx)
		return fmt.Errorf("prepare the session: %w", err)
	}
	if err := conn.QueryRow(ctx, defaultTablespaceSQL).Scan(&a.defaultTablespace); err != nil {
		_ = conn.Close(ctx)
		return fmt.Errorf("prepare the session: %w", err)
	}
	a.conn, a.stages = conn, newStagePool()
	return nil
}

// beginTxSQL begins a transaction. Constraints that somebody has put on a table are
// checked with each statement, even those that are deferred: a commit that fails would
// not say which table is to blame.
const beginTxSQL = "BEGIN; SET CONSTRAINTS ALL IMMEDIATE"
