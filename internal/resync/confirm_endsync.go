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

// unconfirmedLimit is the share of unconfirmed rows among the current ones, above which endsync
// asks a second question.
const unconfirmedLimit = 0.20

// confirmEndsync prints the warnings, returns a [*RiskError] where endsync must not go on
// without --force-unconfirmed, and puts the questions.
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
		// ErrNoTerminal names --force, which does not answer this question.
		doubt.Remedy = "no terminal is attached to answer whether they should end: use "
		return doubt
	}
	return err
}

// findRisks prints the warning about unconfirmed rows and returns the reason not to end them:
// an incomplete snapshot, a share above unconfirmedLimit, or tables without any confirmed row.
// It returns nil without such a reason.
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

// maxNamesShown is the highest number of table names in one message.
const maxNamesShown = 5

// joinFirstNames joins the first maxNamesShown names and appends the number of the others.
func joinFirstNames(names []string) string {
	if len(names) <= maxNamesShown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamesShown], ", "), len(names)-maxNamesShown)
}

// groupDigits formats a number with its digits in groups of three.
func groupDigits(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// warnUnconfirmedTables prints warnings about tables without a confirmed row (perhaps dropped
// at the source, or not read by the connector any more), and about tables with a share of
// unconfirmed rows above unconfirmedLimit.
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

// namesWithoutConfirmed returns the names of the tables that have current rows but no confirmed
// one.
func namesWithoutConfirmed(counts []TableCount) []string {
	var names []string
	for _, c := range counts {
		if c.hasNoneConfirmed() {
			names = append(names, c.Table.String())
		}
	}
	return names
}
