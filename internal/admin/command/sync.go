package command

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/admin/lang"
	"metadb/internal/change"
	"metadb/internal/resync"
	"metadb/internal/target/pgcode"
)

// Synchronizer executes synchronizations while the streams run.
type Synchronizer interface {
	// Target returns the table with this main table, and its data source.
	Target(schema, main string) (resync.Target, bool)
	// Sync, Endsync and Abort are those of package resync.
	Sync(ctx context.Context, front resync.Prompter, o resync.SyncOptions) error
	Endsync(ctx context.Context, front resync.Prompter, o resync.EndsyncOptions) ([]resync.TableCount, error)
	Abort(ctx context.Context, target resync.Target) error
}

// synchronize executes SYNC, ENDSYNC and ABORT SYNC.
func (e *Executor) synchronize(ctx context.Context, c lang.Sync) (*Result, error) {
	if e.Sync == nil {
		return nil, notSupportedError(c)
	}
	target, err := e.syncTarget(ctx, c)
	if err != nil {
		return nil, err
	}
	front := &optionAnswers{command: c}
	result := tagResult(strings.ToUpper(string(c.Step)))
	switch c.Step {
	case lang.Begin:
		err = e.Sync.Sync(ctx, front, resync.SyncOptions{Target: target, DryRun: c.HasOption(lang.DryRun)})
		if c.HasOption(lang.DryRun) {
			result = tableResult(describeSync(c), front.asked)
		}
	case lang.End:
		var counts []resync.TableCount
		counts, err = e.Sync.Endsync(ctx, front, resync.EndsyncOptions{
			Target: target, Force: true, ForceUnconfirmed: c.HasOption(lang.ForceUnconfirmed), DryRun: c.HasOption(lang.DryRun),
		})
		result = tableResult(describeSync(c), countResultRows(counts, c.HasOption(lang.DryRun)))
	case lang.Abort:
		err = e.Sync.Abort(ctx, target)
	}
	if err != nil {
		return nil, withPosition(syncError(err, front), c)
	}
	for _, line := range front.warnings {
		result.addWarning(line)
	}
	if !c.HasOption(lang.DryRun) {
		e.logChange("%s", c)
	}
	return result, nil
}

// withPosition adds the position of the command's target to an error without a position.
func withPosition(err error, c lang.Sync) error {
	var shown *Error
	if errors.As(err, &shown) && shown.Position == 0 {
		shown.Position = max(c.Source.At, c.Table.At())
	}
	return err
}

// syncTarget returns the target of a command.
func (e *Executor) syncTarget(ctx context.Context, c lang.Sync) (resync.Target, error) {
	if c.Source.Text == "" {
		main, err := findMainTable(ctx, e.DB, c.Table)
		if err != nil {
			return resync.Target{}, err
		}
		target, found := e.Sync.Target(string(main.Schema), string(main.Name))
		if !found {
			return target, noTableError(c.Table)
		}
		return target, nil
	}
	return resync.Target{Source: c.Source.Text}, e.checkSourceExists(ctx, c.Source)
}

// optionAnswers is a prompter that takes the answers from the command's options, and collects the
// questions and the warnings.
type optionAnswers struct {
	command  lang.Sync
	asked    [][]any
	warnings []string
}

var _ resync.Prompter = (*optionAnswers)(nil)

// Ask implements resync.Prompter. A dry run collects the question and agrees; otherwise a
// synchronization in progress is begun anew only with the option restart.
func (a *optionAnswers) Ask(q resync.Question) (bool, error) {
	option := ""
	switch q.Kind {
	case resync.AskRestart:
		option = lang.Restart
	case resync.AskFromBeginning:
		option = lang.FromBeginning
	case resync.AskBegin, resync.AskUnconfirmed:
	}
	if a.command.HasOption(lang.DryRun) {
		a.asked = append(a.asked, []any{strings.TrimSpace(q.Text), option})
		return true, nil
	}
	switch q.Kind {
	case resync.AskRestart:
		if !a.command.HasOption(option) {
			return false, &Error{
				Code: pgcode.ObjectNotInPrerequisiteState, Message: strings.Join(a.warnings, "; "),
				Hint: "add \"with (restart)\" to begin it anew, or use \"endsync\" or \"abort sync\"",
			}
		}
		return true, nil
	case resync.AskUnconfirmed:
		return false, resync.ErrNoTerminal
	case resync.AskFromBeginning:
		return a.command.HasOption(option), nil
	case resync.AskBegin:
	}
	return true, nil
}

// Warn implements resync.Prompter.
func (a *optionAnswers) Warn(line string) { a.warnings = append(a.warnings, line) }

// Progress implements resync.Prompter: "list status" shows the progress.
func (a *optionAnswers) Progress(change.Table, int64, int64) {}

// HintForce is the hint where ENDSYNC ends rows only with an option.
const HintForce = "add \"with (dry_run)\" to see what would be ended, \"with (force_unconfirmed)\" to end it nevertheless"

// syncError converts an error of a synchronization to an error for the client.
func syncError(err error, front *optionAnswers) error {
	var doubt *resync.RiskError
	var busy *resync.BusyError
	switch {
	case errors.As(err, &busy):
		return &Error{Code: pgcode.LockNotAvailable, Message: err.Error()}
	case errors.As(err, &doubt):
		hint, detail := HintForce, doubt.Detail
		if doubt.Rejected || doubt.NewSnapshot {
			detail = strings.Join(front.warnings, "\n")
		}
		switch {
		case doubt.Rejected:
			hint = "retry or purge them, or add \"with (force_unconfirmed)\""
		case doubt.NewSnapshot:
			hint = "begin anew (\"sync … with (restart)\") and take a new snapshot, or add \"with (force_unconfirmed)\""
		}
		return &Error{Code: pgcode.ObjectNotInPrerequisiteState, Message: doubt.Message, Detail: detail, Hint: hint}
	case errors.Is(err, resync.ErrNotInSync):
		return &Error{Code: pgcode.ObjectNotInPrerequisiteState, Message: err.Error(), Hint: strings.Join(front.warnings, "\n")}
	case errors.Is(err, resync.ErrNotInResync), errors.Is(err, resync.ErrUnderway), errors.Is(err, resync.ErrSnapshotRestarted):
		return &Error{Code: pgcode.ObjectNotInPrerequisiteState, Message: err.Error()}
	}
	return err
}

// describeSync returns the columns of the result of a synchronization's command.
func describeSync(c lang.Sync) []Column {
	switch {
	case c.Step == lang.End:
		ended := "ended"
		if c.HasOption(lang.DryRun) {
			ended = "would_be_ended"
		}
		columns := textColumns("table", "current", "confirmed", ended)
		for i := range columns[1:] {
			columns[i+1].OID = pgtype.Int8OID
		}
		if c.HasOption(lang.DryRun) {
			columns = append(columns, textColumns("for_example")...)
		}
		return columns
	case c.Step == lang.Begin && c.HasOption(lang.DryRun):
		return textColumns("question", "answer")
	}
	return nil
}

// countResultRows returns the rows of the result of ENDSYNC.
func countResultRows(counts []resync.TableCount, dry bool) [][]any {
	rows := make([][]any, len(counts))
	for i, c := range counts {
		rows[i] = []any{c.Table.String(), c.Current, c.Confirmed, c.Ended}
		if dry {
			rows[i][3] = c.Unconfirmed()
			rows[i] = append(rows[i], strings.Join(c.Sample, " "))
		}
	}
	return rows
}
