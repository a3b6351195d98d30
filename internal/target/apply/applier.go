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
	"metadb/internal/target/rejected"
)

// Config has the dependencies and settings of an Applier.
type Config struct {
	// Connect opens a connection to the target database as the role that owns the tables.
	Connect func(ctx context.Context) (*pgx.Conn, error)
	// Source is the data source and Group its consumer group. Both identify the stored positions.
	Source, Group string
	// Store is the catalog of target tables. The applier publishes changes to it only after a
	// commit.
	Store *catalog.Store
	// rejected.Limit returns the limits on the rejected events of the source. It is called every few
	// seconds while events are rejected; nil means no limit.
	RejectedLimit func(ctx context.Context) (rejected.Limit, error)
	// Logger receives the schema changes, and the warnings that no batch reports.
	Logger *slog.Logger
}

// Applier applies batches, one at a time, on a connection of its own. It is not safe for concurrent
// use.
type Applier struct {
	config Config
	conn   *pgx.Conn
	stages *stagePool
	// defaultTablespace is the OID of the database's tablespace.
	defaultTablespace string
	// profiles has the profile of each table, from its last chunk.
	profiles map[change.Table]tableProfile
	// warnedColumns are the columns that warnOmitted has logged.
	warnedColumns map[omittedColumn]bool
	// mappings, layouts and childIndex are caches of the JSON mappings and of the transformed
	// tables of each parent. They are rebuilt when their sources change.
	mappings mappingSets
	layouts  map[change.Table]*cachedLayout
	// recordedFeeds are the topics and tables that metadb.topic_table contains already.
	recordedFeeds map[gap.Feed]bool
	// limiter keeps the rejected events of the source below its limit.
	limiter    *rejected.Limiter
	childIndex childIndex
	// identifiedTables are the tables with a verified replica identity. It is nil until PostgreSQL
	// has refused a change for lack of one.
	identifiedTables map[change.Table]bool
	// pieceBytes is the approximate limit, in bytes, on the transformed rows of one side (before or
	// after) in memory. A chunk with larger documents is processed in pieces.
	pieceBytes int
	// positionStores counts, by table, the batches with stored positions since the last pruning.
	positionStores map[change.Table]int
}

// defaultPieceBytes is the size of the transformed rows of a batch with about thirty values in each
// document.
const defaultPieceBytes = 12 << 20

// New returns an applier. It connects with the first batch.
func New(config Config) *Applier {
	return &Applier{config: config, limiter: rejected.NewLimiter(config.Source, config.RejectedLimit), profiles: make(map[change.Table]tableProfile), positionStores: make(map[change.Table]int), recordedFeeds: make(map[gap.Feed]bool), pieceBytes: defaultPieceBytes}
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

// Apply applies a batch completely or not at all. After an error the database contains no part of
// it, unless the connection was lost during the commit: if that commit succeeded, the same batch
// returns an error that wraps checkpoint.ErrFenced when it is applied again. A record that can't be
// applied is not an error: it is stored in metadb.rejected_event.
func (a *Applier) Apply(ctx context.Context, batch *change.Batch) (change.Outcome, error) {
	r := &batchTx{Applier: a, batch: withoutRepeated(batch), rejected: rejected.NewSet(batch.Source), keepsConfirmed: !batch.NotesChanges}
	return a.runTransaction(ctx, r, r.applyBatch)
}

// withoutRepeated returns the batch without the events that were applied before. An upsert or a
// rejected event that may confirm a row stays.
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

// runTransaction runs do between BEGIN and COMMIT. After the commit it publishes the changed tables
// and updates the caches of the applier.
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

// rollBack ends a failed transaction and clears the caches that it may have changed. If the
// rollback fails and the connection is closed, the next batch opens a new one.
func (a *Applier) rollBack(ctx context.Context, tx pgx.Tx) {
	a.layouts, a.warnedColumns = nil, nil
	a.limiter.Forget()
	a.stages.afterRollback()
	if err := tx.Rollback(context.WithoutCancel(ctx)); err == nil || !a.conn.IsClosed() {
		return
	}
	a.conn = nil
}

// connect opens and configures a connection if there is no open one.
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

// beginTxSQL begins a transaction in which every statement checks its constraints, deferred ones
// too: an administrator may have added them, and the error of a failed commit would not identify
// the table.
const beginTxSQL = "BEGIN; SET CONSTRAINTS ALL IMMEDIATE"
