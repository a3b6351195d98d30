package resync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNotInSync is the error of "endsync" where no synchronization is in progress.
var ErrNotInSync = errors.New(`"endsync" can only be used in sync mode`)

// EndsyncOptions are the options of [Endsync].
type EndsyncOptions struct {
	Target
	// Force skips the first question. ForceUnconfirmed skips the second one, and ends
	// unconfirmed rows also where rejected events may have kept them from being confirmed, or
	// where the confirmed rows can't be determined.
	Force, ForceUnconfirmed bool
	// DryRun counts and warns, and changes nothing.
	DryRun bool
	// Logger gets the changes of inferred types.
	Logger *slog.Logger
	// LockTimeout limits one wait for a lock; 0 means 5 seconds.
	LockTimeout time.Duration
	// Server is the running server, nil without one.
	Server *RunningServer
}

// Endsync ends the synchronization of a data source or a table. After a resynchronization it
// ends every current row that was not confirmed, with the time of the first run of this
// command. After an initial synchronization it ends the rows of those attempts of the snapshot
// that the connector gave up, and infers types. It returns the counts of all tables; Current
// and Confirmed are those before any row ended.
//
// It can be interrupted at any moment and run again. Before anything has changed, the error may
// be [ErrDeclined], [ErrNotInSync] or a [*RiskError]; with a running server a [*RiskError] or
// [ErrSnapshotRestarted] may also come between two tables. Streams that run are kept from
// applying while the rows of one table end.
func Endsync(ctx context.Context, db *pgx.Conn, prompter Prompter, o EndsyncOptions) ([]TableCount, error) {
	s, err := loadState(ctx, db, o.Target, o.Server)
	if err != nil {
		return nil, err
	}
	if s.mode == Normal {
		prompter.Warn(s.nothingToEndText())
		return nil, ErrNotInSync
	}
	e := &ending{state: s, db: db, prompter: prompter, options: o}
	defer e.dropUnconfirmedLists(ctx)
	if err := e.countRows(ctx); err != nil {
		return nil, err
	}
	if err := e.confirm(ctx); err != nil || o.DryRun {
		return tableCounts(e.tables), err
	}
	err = e.run(ctx)
	return tableCounts(e.tables), err
}

// ending is one run of endsync.
type ending struct {
	state    *syncState
	db       *pgx.Conn
	prompter Prompter
	options  EndsyncOptions
	// tables are those of the target, with their counts.
	tables []*countedTable
}

// run ends what has been counted, and then the synchronization.
func (e *ending) run(ctx context.Context) error {
	s, o := e.state, e.options
	if s.validity.keepsConfirmed {
		if err := e.endUnconfirmed(ctx); err != nil {
			return err
		}
	}
	if s.mode == Initial {
		err := InferTypes(ctx, e.db, s.store, InferOptions{Source: s.target.Source, Logger: o.Logger, LockTimeout: o.LockTimeout, Exclusively: o.Server.exclusively})
		if err != nil {
			return err
		}
	}
	if o.Server == nil { // a running server analyzes by itself
		if err := e.analyzeTables(ctx); err != nil {
			return err
		}
	}
	if err := s.clearOutdated(ctx, e.db); err != nil {
		return err
	}
	return s.finishSync(ctx, e.db, o.LockTimeout, e.checkDoubts)
}

// analyzeTables runs ANALYZE on the tables in which rows have ended, or, after an initial
// synchronization, on all. Autovacuum never analyzes partitioned tables.
// https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS
func (e *ending) analyzeTables(ctx context.Context) error {
	for _, t := range e.tables {
		if e.state.mode == Resync && t.count.Ended == 0 {
			continue
		}
		if _, err := e.db.Exec(ctx, "ANALYZE "+t.table.Main.SQL()); err != nil {
			return fmt.Errorf("analyze table %s: %w", t.table.Name, err)
		}
	}
	return nil
}

// dropUnconfirmedLists drops the lists of unconfirmed rows: the connection may be used again.
func (e *ending) dropUnconfirmedLists(ctx context.Context) {
	for _, t := range e.tables {
		if t != nil && t.unconfirmedList != nil {
			t.unconfirmedList.forget(ctx, e.db)
		}
	}
}

// nothingToEndText returns the warning for normal mode, with the command that begins a
// synchronization.
func (s *syncState) nothingToEndText() string {
	if s.target.Whole() {
		return fmt.Sprintf("nothing to end: no synchronization of %q has begun (begin with: sync data source %s)", s.target.Source, quoteForCommand(s.target.Source))
	}
	return fmt.Sprintf("nothing to end: no synchronization of table %s has begun (begin with: sync table %s__)", s.target.Table, s.target.Table)
}

// plainNamePattern matches names that need no quotes in a command.
var plainNamePattern = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// quoteForCommand returns a data source's name as a command takes it.
func quoteForCommand(name string) string {
	if plainNamePattern.MatchString(name) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
