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

// ErrNotInSync says that there is no synchronization to be ended.
var ErrNotInSync = errors.New(`"endsync" can only be used in sync mode`)

// EndsyncOptions are those of [Endsync].
type EndsyncOptions struct {
	Target
	// Force does not ask whether to begin. ForceUnconfirmed neither asks
	// nor refuses where a lot of rows, or those of rejected events, have not
	// been confirmed.
	Force, ForceUnconfirmed bool
	// DryRun changes nothing.
	DryRun bool
	// Logger gets the changes of inferred types.
	Logger *slog.Logger
	// LockTimeout is how long a lock is waited for at a time; 0 for 5 seconds.
	LockTimeout time.Duration
	// Server is the running server, nil if there is none.
	Server *RunningServer
}

// Endsync ends the synchronization of a data source or a table. After a
// resynchronization every current row ends that was not confirmed, with the time
// of the first run of this command; after an initial synchronization that of rows which an
// attempt of the snapshot has brought that the connector gave up, and types are
// inferred. It returns the counts of all tables: Current and Confirmed as they
// were before.
//
// It can be interrupted at any moment and run again. The error is [ErrDeclined]
// if the prompter's answer is no, a [*RiskError], and [ErrNotInSync]; nothing has
// changed then. Where the streams go on, they are kept from applying while the
// rows of one table end.
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
	if o.Server == nil { // a running server does that by itself
		if err := s.analyzeTables(ctx, db, found); err != nil {
			return tableCounts(found), err
		}
	}
	if err := s.clearOutdated(ctx, db); err != nil {
		return tableCounts(found), err
	}
	return tableCounts(found), s.finishSync(ctx, db, o.LockTimeout, s.checkDoubts(o))
}

// analyzeTables gathers the statistics of the tables that a lot has changed in.
// Autovacuum never does that for partitioned tables.
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

// dropUnconfirmedLists forgets the lists of rows: the connection may be used again.
func (s *syncState) dropUnconfirmedLists(ctx context.Context, db *pgx.Conn, found []*countedTable) {
	for _, t := range found {
		if t != nil && t.unconfirmedList != nil {
			t.unconfirmedList.forget(ctx, db)
		}
	}
}

// nothingToEndText says how a synchronization begins that could be ended.
func (s *syncState) nothingToEndText() string {
	if s.Whole() {
		return fmt.Sprintf("nothing to end: no synchronization of %q has begun (begin with: sync data source %s)", s.Source, quoteForCommand(s.Source))
	}
	return fmt.Sprintf("nothing to end: no synchronization of table %s has begun (begin with: sync table %s__)", s.Table, s.Table)
}

// plainNamePattern is a name that a command takes as it is.
var plainNamePattern = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// quoteForCommand is a data source's name as a command names it.
func quoteForCommand(name string) string {
	if plainNamePattern.MatchString(name) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
