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
	found, err := s.countRows(ctx, db, o)
	defer s.dropUnconfirmedLists(ctx, db, found)
	if err != nil {
		return nil, err
	}
	if err := s.confirmEndsync(ctx, db, prompter, o, tableCounts(found)); err != nil || o.DryRun {
		return tableCounts(found), err
	}
	if s.keepsConfirmed {
		err = s.endUnconfirmed(ctx, db, prompter, o, found)
	}
	if err == nil && s.mode == Initial {
		err = InferTypes(ctx, db, s.store, InferOptions{Source: s.Source, Logger: o.Logger, LockTimeout: o.LockTimeout, Exclusively: o.Server.exclusively})
	}
	if err != nil {
		return tableCounts(found), err
	}
	if o.Server == nil { // a running server analyzes by itself
		if err := s.analyzeTables(ctx, db, found); err != nil {
			return tableCounts(found), err
		}
	}
	if err := s.clearOutdated(ctx, db); err != nil {
		return tableCounts(found), err
	}
	return tableCounts(found), s.finishSync(ctx, db, o.LockTimeout, s.checkDoubts(o))
}

// analyzeTables runs ANALYZE on the tables in which rows have ended, or, after an initial
// synchronization, on all. Autovacuum never analyzes partitioned tables.
// https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS
func (s *syncState) analyzeTables(ctx context.Context, db *pgx.Conn, found []*countedTable) error {
	for _, t := range found {
		if s.mode == Resync && t.count.Ended == 0 {
			continue
		}
		if _, err := db.Exec(ctx, "ANALYZE "+t.table.Main.SQL()); err != nil {
			return fmt.Errorf("analyze table %s: %w", t.table.Name, err)
		}
	}
	return nil
}

// dropUnconfirmedLists drops the lists of unconfirmed rows: the connection may be used again.
func (s *syncState) dropUnconfirmedLists(ctx context.Context, db *pgx.Conn, found []*countedTable) {
	for _, t := range found {
		if t != nil && t.unconfirmedList != nil {
			t.unconfirmedList.forget(ctx, db)
		}
	}
}

// nothingToEndText returns the warning for normal mode, with the command that begins a
// synchronization.
func (s *syncState) nothingToEndText() string {
	if s.Whole() {
		return fmt.Sprintf("nothing to end: no synchronization of %q has begun (begin with: sync data source %s)", s.Source, quoteForCommand(s.Source))
	}
	return fmt.Sprintf("nothing to end: no synchronization of table %s has begun (begin with: sync table %s__)", s.Table, s.Table)
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
