package resync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNotInSync says that there is no synchronization to be ended.
var ErrNotInSync = errors.New(`"endsync" can only be used in sync mode`)

// unconfirmedLimit is the part of all current rows above which it is asked once
// more whether those that are not confirmed should end.
const unconfirmedLimit = 0.20

// EndsyncOptions are those of [Endsync].
type EndsyncOptions struct {
	// Source is the name of the data source.
	Source string
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
}

// Endsync ends the synchronization of a data source. After a resynchronization
// every current row ends that was not confirmed, with the time of the first run
// of this command; after an initial synchronization types are inferred. It
// returns the counts of all tables as they were before.
//
// It can be interrupted at any moment and run again. The error is [ErrDeclined]
// if the front's answer is no, and [ErrNotInSync]; nothing has changed then. The
// data source's stream must not be running.
func Endsync(ctx context.Context, db *pgx.Conn, front Front, o EndsyncOptions) ([]Count, error) {
	s, err := load(ctx, db, o.Source)
	if err != nil {
		return nil, err
	}
	if s.mode == Normal {
		return nil, ErrNotInSync
	}
	counts, err := survey(ctx, db, s.tables, o.Patience)
	if err != nil {
		return nil, err
	}
	if s.mode == Initial {
		// Nothing is ever confirmed in an initial synchronization, and
		// nothing needs to be.
		for i := range counts {
			counts[i].Confirmed = counts[i].Current
		}
	}
	if err := s.consent(ctx, db, front, o, counts); err != nil || o.DryRun {
		return counts, err
	}
	if s.mode == Initial {
		err = InferTypes(ctx, db, s.store, Inference{Source: s.name(), Logger: o.Logger, Patience: o.Patience})
	} else {
		err = s.endUnconfirmed(ctx, db, front, o, counts)
	}
	if err != nil {
		return counts, err
	}
	if err := s.analyze(ctx, db, counts); err != nil {
		return counts, err
	}
	return counts, s.leave(ctx, db, o.Patience)
}

// consent says what should be known before, refuses, and asks.
func (s *state) consent(ctx context.Context, db *pgx.Conn, front Front, o EndsyncOptions, counts []Count) error {
	if s.complete == "" {
		front.Warn(fmt.Sprintf("the snapshot of data source %q is not known to be complete", s.name()))
	}
	if s.mode == Resync {
		if err := s.refuseRejected(ctx, db, front, o); err != nil {
			return err
		}
		warnEmpty(front, counts)
	}
	if !o.Force && !o.DryRun {
		if err := confirmed(front, fmt.Sprintf("End synchronization process for data source %q? ", s.name())); err != nil {
			return err
		}
	}
	sum := total(counts)
	if float64(sum.Unconfirmed()) <= unconfirmedLimit*float64(sum.Current) {
		return nil
	}
	front.Warn(fmt.Sprintf("WARNING: %.1f %% of the current rows (%d of %d) HAVE NOT BEEN CONFIRMED and would be ended",
		100*float64(sum.Unconfirmed())/float64(sum.Current), sum.Unconfirmed(), sum.Current))
	if o.ForceUnconfirmed || o.DryRun {
		return nil
	}
	err := confirmed(front, fmt.Sprintf("End %d unconfirmed rows of data source %q? ", sum.Unconfirmed(), s.name()))
	if errors.Is(err, ErrNoTerminal) {
		// The option that it names does not answer this question.
		return fmt.Errorf("%d of %d current rows have not been confirmed, and no terminal is attached to answer whether they should end: use --force-unconfirmed",
			sum.Unconfirmed(), sum.Current)
	}
	return err
}

// refuseRejected refuses while events are rejected that may belong to rows which
// are at the source.
func (s *state) refuseRejected(ctx context.Context, db *pgx.Conn, front Front, o EndsyncOptions) error {
	found, err := s.rejected(ctx, db)
	if err != nil || found == "" {
		return err
	}
	told := "rejected events may have kept rows from being confirmed: " + found
	if o.ForceUnconfirmed || o.DryRun {
		front.Warn(told)
		return nil
	}
	return errors.New(told + "; retry or purge them, or use --force-unconfirmed")
}

// warnEmpty names the tables that have not been confirmed at all: perhaps they
// are not in the snapshot.
func warnEmpty(front Front, counts []Count) {
	var names []string
	for _, c := range counts {
		if c.Current > 0 && c.Confirmed == 0 {
			names = append(names, c.Table.String())
		}
	}
	if len(names) > 0 {
		front.Warn("no row has been confirmed in: " + strings.Join(names, ", "))
	}
}

// analyze gathers the statistics of the tables that a lot has changed in.
// Autovacuum never does that for partitioned tables.
// https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS
func (s *state) analyze(ctx context.Context, db *pgx.Conn, counts []Count) error {
	for i, t := range s.tables {
		if s.mode == Resync && counts[i].Unconfirmed() == 0 {
			continue
		}
		if _, err := db.Exec(ctx, "ANALYZE "+t.Main.SQL()); err != nil {
			return fmt.Errorf("analyze table %s: %w", t.Name, err)
		}
	}
	return nil
}

// leave sets the mode to normal, forgets the synchronization and makes the
// derived tables due.
func (s *state) leave(ctx context.Context, db *pgx.Conn, patience time.Duration) error {
	return transact(ctx, db, patience, "end the synchronization", func(tx pgx.Tx) error {
		if err := emptySyncTables(ctx, tx, s.tables); err != nil {
			return err
		}
		for _, statement := range []struct {
			sql  string
			args []any
		}{
			{"UPDATE metadb.source SET sync = $2 WHERE name = $1", []any{s.name(), Normal}},
			// What was rejected before the snapshot is not current any more.
			{"UPDATE metadb.rejected_event e SET later = r.endsync_time FROM metadb.resync r" +
				" WHERE e.source_name = $1 AND r.source_name = $1 AND e.later IS NULL AND e.rejected_time < r.started_at", []any{s.name()}},
			{"DELETE FROM metadb.resync_from WHERE source_name = $1", []any{s.name()}},
			{"DELETE FROM metadb.resync WHERE source_name = $1", []any{s.name()}},
			{"UPDATE metadb.maintenance SET next_maintenance_time = now()", nil},
		} {
			if _, err := tx.Exec(ctx, statement.sql, statement.args...); err != nil {
				return err
			}
		}
		return nil
	})
}
