package resync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
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
	doubt := s.doubts(front, counts)
	if doubt == nil || o.ForceUnconfirmed || o.DryRun {
		return nil
	}
	err := confirmed(front, AskUnconfirmed, fmt.Sprintf("End %s of %s? ", change.Count(sum.Unconfirmed(), "unconfirmed row", "unconfirmed rows"), s.Target))
	if errors.Is(err, ErrNoTerminal) {
		// The option that it names does not answer this question.
		doubt.Remedy = "no terminal is attached to answer whether they should end: use "
		return doubt
	}
	return err
}

// doubts warns loudly of what speaks against ending the unconfirmed rows, and
// returns it in short: a snapshot that is not complete, too many of them, tables of
// which nothing is confirmed. It is nil if nothing does.
func (s *state) doubts(front Front, counts []Count) *DoubtError {
	sum, missing := total(counts), missingFrom(counts)
	if sum.Unconfirmed() == 0 {
		return nil
	}
	many := sum.share() > unconfirmedLimit
	if many {
		front.Warn(fmt.Sprintf("WARNING: %.1f %% of the current rows (%d of %d) HAVE NOT BEEN CONFIRMED and would be ended",
			100*sum.share(), sum.Unconfirmed(), sum.Current))
	}
	reason := ""
	switch {
	case s.complete == "":
		reason = "the snapshot is not complete"
	case many:
		reason = "many rows have not been confirmed"
	case len(missing) > 0:
		reason = "there are tables of which no row has been confirmed"
	default:
		return nil
	}
	doubt := &DoubtError{Message: fmt.Sprintf("%s: %s of %s rows confirmed", reason, digits(sum.Confirmed), digits(sum.Current))}
	if len(missing) > 0 {
		doubt.Detail = "no row has been confirmed in: " + some(missing)
	}
	return doubt
}

// namesShown is how many tables a message names at most.
const namesShown = 5

// some names the first of many tables.
func some(names []string) string {
	if len(names) <= namesShown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:namesShown], ", "), len(names)-namesShown)
}

// digits writes a number with its digits in groups of three.
func digits(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// warnTables names the tables that a lot is unconfirmed in. Those that have not
// been confirmed at all may be gone at the source, or the connector may not have
// them any more.
func (s *state) warnTables(front Front, counts []Count) {
	if names := missingFrom(counts); len(names) > 0 {
		front.Warn("no row has been confirmed in: " + some(names) +
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
