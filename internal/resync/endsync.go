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
	// Patience is how long a lock is waited for at a time; 0 for 5 seconds.
	Patience time.Duration
	// Live is the running server, nil if there is none.
	Live *Live
}

// Endsync ends the synchronization of a data source or a table. After a
// resynchronization every current row ends that was not confirmed, with the time
// of the first run of this command; after an initial synchronization that of rows which an
// attempt of the snapshot has brought that the connector gave up, and types are
// inferred. It returns the counts of all tables: Current and Confirmed as they
// were before.
//
// It can be interrupted at any moment and run again. The error is [ErrDeclined]
// if the front's answer is no, a [*DoubtError], and [ErrNotInSync]; nothing has
// changed then. Where the streams go on, they are kept from applying while the
// rows of one table end.
func Endsync(ctx context.Context, db *pgx.Conn, front Front, o EndsyncOptions) ([]Count, error) {
	s, err := load(ctx, db, o.Target, o.Live)
	if err != nil {
		return nil, err
	}
	if s.mode == Normal {
		front.Warn(s.nothingToEnd())
		return nil, ErrNotInSync
	}
	found, err := s.survey(ctx, db, o)
	defer s.forgetSurvey(ctx, db, found)
	if err != nil {
		return nil, err
	}
	if err := s.consent(ctx, db, front, o, countsOf(found)); err != nil || o.DryRun {
		return countsOf(found), err
	}
	if s.keeps {
		err = s.endUnconfirmed(ctx, db, front, o, found)
	}
	if err == nil && s.mode == Initial {
		err = InferTypes(ctx, db, s.store, Inference{Source: s.Source, Logger: o.Logger, Patience: o.Patience, Exclusively: o.Live.exclusive})
	}
	if err != nil {
		return countsOf(found), err
	}
	if o.Live == nil { // a running server does that by itself
		if err := s.analyze(ctx, db, found); err != nil {
			return countsOf(found), err
		}
	}
	if err := s.clearOutdated(ctx, db); err != nil {
		return countsOf(found), err
	}
	return countsOf(found), s.leave(ctx, db, o.Patience, s.checkDoubts(o))
}

// analyze gathers the statistics of the tables that a lot has changed in.
// Autovacuum never does that for partitioned tables.
// https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS
func (s *state) analyze(ctx context.Context, db *pgx.Conn, found []*surveyed) error {
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

// forgetSurvey forgets the lists of rows: the connection may be used again.
func (s *state) forgetSurvey(ctx context.Context, db *pgx.Conn, found []*surveyed) {
	for _, t := range found {
		if t != nil && t.unconfirmed != nil {
			t.unconfirmed.forget(ctx, db)
		}
	}
}

// nothingToEnd says how a synchronization begins that could be ended.
func (s *state) nothingToEnd() string {
	if s.Whole() {
		return fmt.Sprintf("nothing to end: no synchronization of %q has begun (begin with: sync data source %s)", s.Source, commandName(s.Source))
	}
	return fmt.Sprintf("nothing to end: no synchronization of table %s has begun (begin with: sync table %s__)", s.Table, s.Table)
}

// plainName is a name that a command takes as it is.
var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// commandName is a data source's name as a command names it.
func commandName(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
