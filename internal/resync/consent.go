package resync

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// unconfirmedLimit is the part of the current rows above which it is asked once
// more whether those that are not confirmed should end.
const unconfirmedLimit = 0.20

// consent says what should be known before, refuses, and asks.
func (s *state) consent(ctx context.Context, db *pgx.Conn, front Front, o EndsyncOptions, counts []Count) error {
	if s.complete == "" {
		front.Warn(fmt.Sprintf("the snapshot of %s is not known to be complete", s.Target))
	}
	if s.keeps {
		if err := s.refuseDoubtful(front, o); err != nil {
			return err
		}
		if err := s.refuseRejected(ctx, db, front, o); err != nil {
			return err
		}
		s.warnTables(front, counts)
	}
	if !o.Force && !o.DryRun {
		if err := confirmed(front, AskBegin, fmt.Sprintf("End synchronization process for %s? ", s.Target)); err != nil {
			return err
		}
	}
	sum := total(counts)
	doubts := s.doubts(front, counts)
	if doubts == "" || o.ForceUnconfirmed || o.DryRun {
		return nil
	}
	err := confirmed(front, AskUnconfirmed, fmt.Sprintf("End %s of %s? ", change.Count(sum.Unconfirmed(), "unconfirmed row", "unconfirmed rows"), s.Target))
	if errors.Is(err, ErrNoTerminal) {
		// The option that it names does not answer this question.
		return &DoubtError{Message: doubts, Remedy: "no terminal is attached to answer whether they should end: use "}
	}
	return err
}

// doubts warns loudly of what speaks against ending the unconfirmed rows, and
// returns it in one line: too many of them, a table of which nothing is
// confirmed, a snapshot that is not complete. It is empty if nothing does.
func (s *state) doubts(front Front, counts []Count) string {
	sum := total(counts)
	if sum.Unconfirmed() == 0 {
		return ""
	}
	var found []string
	if sum.share() > unconfirmedLimit {
		front.Warn(fmt.Sprintf("WARNING: %.1f %% of the current rows (%d of %d) HAVE NOT BEEN CONFIRMED and would be ended",
			100*sum.share(), sum.Unconfirmed(), sum.Current))
		found = append(found, fmt.Sprintf("%d of %s not been confirmed", sum.Unconfirmed(), change.Count(sum.Current, "current row has", "current rows have")))
	}
	if names := missingFrom(counts); len(names) > 0 {
		found = append(found, "no row has been confirmed in: "+strings.Join(names, ", "))
	}
	if s.complete == "" {
		found = append(found, "the snapshot is not known to be complete")
	}
	return strings.Join(found, "; ")
}

// warnTables names the tables that a lot is unconfirmed in. Those that have not
// been confirmed at all may be gone at the source, or the connector may not have
// them any more.
func (s *state) warnTables(front Front, counts []Count) {
	if names := missingFrom(counts); len(names) > 0 {
		front.Warn("no row has been confirmed in: " + strings.Join(names, ", ") +
			" (dropped at the source, or not in the connector's snapshot?)")
	}
	for _, c := range counts {
		if !c.missing() && c.share() > unconfirmedLimit {
			front.Warn(fmt.Sprintf("table %s: %.1f %% of the current rows (%d of %d) have not been confirmed",
				c.Table, 100*c.share(), c.Unconfirmed(), c.Current))
		}
	}
}

// missingFrom returns the names of the tables of which nothing is confirmed.
func missingFrom(counts []Count) []string {
	var names []string
	for _, c := range counts {
		if c.missing() {
			names = append(names, c.Table.String())
		}
	}
	return names
}
