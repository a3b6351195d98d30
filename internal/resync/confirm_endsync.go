package resync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"metadb/internal/change"
)

// unconfirmedLimit is the share of unconfirmed rows among the current ones, above which endsync
// asks a second question.
const unconfirmedLimit = 0.20

// confirm prints the warnings, returns a [*RiskError] where endsync must not go on
// without --force-unconfirmed, and puts the questions.
func (e *ending) confirm(ctx context.Context) error {
	if e.state.complete == "" {
		e.prompter.Warn(fmt.Sprintf("the snapshot of %s is not known to be complete", e.state.target))
	}
	if e.state.validity.keepsConfirmed {
		if err := e.refuseUnclear(); err != nil {
			return err
		}
		if err := e.refuseRejected(ctx); err != nil {
			return err
		}
		e.warnUnconfirmedTables()
	}
	if !e.options.Force && !e.options.DryRun {
		if err := askOrDecline(e.prompter, AskBegin, fmt.Sprintf("End synchronization process for %s? ", e.state.target)); err != nil {
			return err
		}
	}
	sum := sumCounts(tableCounts(e.tables))
	doubt := e.findRisks()
	if doubt == nil || e.options.ForceUnconfirmed || e.options.DryRun {
		return nil
	}
	err := askOrDecline(e.prompter, AskUnconfirmed, fmt.Sprintf("End %s of %s? ", change.Plural(sum.Unconfirmed(), "unconfirmed row", "unconfirmed rows"), e.state.target))
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
func (e *ending) findRisks() *RiskError {
	counts := tableCounts(e.tables)
	sum, missing := sumCounts(counts), namesWithoutConfirmed(counts)
	if sum.Unconfirmed() == 0 {
		return nil
	}
	many := sum.unconfirmedShare() > unconfirmedLimit
	if many {
		e.prompter.Warn(fmt.Sprintf("WARNING: %.1f %% of the current rows (%d of %d) HAVE NOT BEEN CONFIRMED and would be ended",
			100*sum.unconfirmedShare(), sum.Unconfirmed(), sum.Current))
	}
	reason := ""
	switch {
	case e.state.complete == "":
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
func (e *ending) warnUnconfirmedTables() {
	counts := tableCounts(e.tables)
	if names := namesWithoutConfirmed(counts); len(names) > 0 {
		e.prompter.Warn("no row has been confirmed in: " + joinFirstNames(names) +
			" (dropped at the source, or not in the connector's snapshot?)")
	}
	for _, c := range counts {
		if !c.hasNoneConfirmed() && c.unconfirmedShare() > unconfirmedLimit {
			e.prompter.Warn(fmt.Sprintf("table %s: %.1f %% of the current rows (%d of %d) have not been confirmed",
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
