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

// confirmEndsync says what should be known before, refuses, and asks.
func (s *syncState) confirmEndsync(ctx context.Context, db *pgx.Conn, prompter Prompter, o EndsyncOptions, counts []TableCount) error {
	if s.complete == "" {
		prompter.Warn(fmt.Sprintf("the snapshot of %s is not known to be complete", s.Target))
	}
	if s.keepsConfirmed {
		if err := s.refuseUnclear(prompter, o); err != nil {
			return err
		}
		if err := s.refuseRejected(ctx, db, prompter, o); err != nil {
			return err
		}
		s.warnUnconfirmedTables(prompter, counts)
	}
	if !o.Force && !o.DryRun {
		if err := askOrDecline(prompter, AskBegin, fmt.Sprintf("End synchronization process for %s? ", s.Target)); err != nil {
			return err
		}
	}
	sum := sumCounts(counts)
	doubt := s.findRisks(prompter, counts)
	if doubt == nil || o.ForceUnconfirmed || o.DryRun {
		return nil
	}
	err := askOrDecline(prompter, AskUnconfirmed, fmt.Sprintf("End %s of %s? ", change.Plural(sum.Unconfirmed(), "unconfirmed row", "unconfirmed rows"), s.Target))
	if errors.Is(err, ErrNoTerminal) {
		// The option that it names does not answer this question.
		doubt.Remedy = "no terminal is attached to answer whether they should end: use "
		return doubt
	}
	return err
}

// findRisks warns loudly of what speaks against ending the unconfirmed rows, and
// returns it in short: a snapshot that is not complete, too many of them, tables of
// which nothing is confirmed. It is nil if nothing does.
func (s *syncState) findRisks(prompter Prompter, counts []TableCount) *RiskError {
	sum, missing := sumCounts(counts), namesWithoutConfirmed(counts)
	if sum.Unconfirmed() == 0 {
		return nil
	}
	many := sum.unconfirmedShare() > unconfirmedLimit
	if many {
		prompter.Warn(fmt.Sprintf("WARNING: %.1f %% of the current rows (%d of %d) HAVE NOT BEEN CONFIRMED and would be ended",
			100*sum.unconfirmedShare(), sum.Unconfirmed(), sum.Current))
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
	doubt := &RiskError{Message: fmt.Sprintf("%s: %s of %s rows confirmed", reason, groupDigits(sum.Confirmed), groupDigits(sum.Current))}
	if len(missing) > 0 {
		doubt.Detail = "no row has been confirmed in: " + joinFirstNames(missing)
	}
	return doubt
}

// maxNamesShown is how many tables a message names at most.
const maxNamesShown = 5

// joinFirstNames names the first of many tables.
func joinFirstNames(names []string) string {
	if len(names) <= maxNamesShown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamesShown], ", "), len(names)-maxNamesShown)
}

// groupDigits writes a number with its digits in groups of three.
func groupDigits(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// warnUnconfirmedTables names the tables that a lot is unconfirmed in. Those that have not
// been confirmed at all may be gone at the source, or the connector may not have
// them any more.
func (s *syncState) warnUnconfirmedTables(prompter Prompter, counts []TableCount) {
	if names := namesWithoutConfirmed(counts); len(names) > 0 {
		prompter.Warn("no row has been confirmed in: " + joinFirstNames(names) +
			" (dropped at the source, or not in the connector's snapshot?)")
	}
	for _, c := range counts {
		if !c.hasNoneConfirmed() && c.unconfirmedShare() > unconfirmedLimit {
			prompter.Warn(fmt.Sprintf("table %s: %.1f %% of the current rows (%d of %d) have not been confirmed",
				c.Table, 100*c.unconfirmedShare(), c.Unconfirmed(), c.Current))
		}
	}
}

// namesWithoutConfirmed returns the names of the tables of which nothing is confirmed.
func namesWithoutConfirmed(counts []TableCount) []string {
	var names []string
	for _, c := range counts {
		if c.hasNoneConfirmed() {
			names = append(names, c.Table.String())
		}
	}
	return names
}
