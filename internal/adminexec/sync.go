package adminexec

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/adminlang"
	"metadb/internal/change"
	"metadb/internal/resync"
)

// Synchronizer carries out synchronizations while the streams run.
type Synchronizer interface {
	// Target returns the table whose main table has a name, and its data
	// source.
	Target(schema, main string) (resync.Target, bool)
	// Sync, Endsync and Abort are those of package resync.
	Sync(ctx context.Context, front resync.Front, o resync.SyncOptions) error
	Endsync(ctx context.Context, front resync.Front, o resync.EndsyncOptions) ([]resync.Count, error)
	Abort(ctx context.Context, target resync.Target) error
}

// synchronize carries out SYNC, ENDSYNC and ABORT SYNC.
func (e *Executor) synchronize(ctx context.Context, c adminlang.Sync) (*Result, error) {
	if e.Sync == nil {
		return nil, notYet(c)
	}
	target, err := e.target(ctx, c)
	if err != nil {
		return nil, err
	}
	front := &answers{command: c}
	result := done(strings.ToUpper(string(c.Step)))
	switch c.Step {
	case adminlang.Begin:
		err = e.Sync.Sync(ctx, front, resync.SyncOptions{Target: target, DryRun: c.Is(adminlang.DryRun)})
		if c.Is(adminlang.DryRun) {
			result = table(describeSync(c), front.asked)
		}
	case adminlang.End:
		var counts []resync.Count
		counts, err = e.Sync.Endsync(ctx, front, resync.EndsyncOptions{
			Target: target, Force: true, ForceUnconfirmed: c.Is(adminlang.ForceUnconfirmed), DryRun: c.Is(adminlang.DryRun),
		})
		result = table(describeSync(c), countRows(counts, c.Is(adminlang.DryRun)))
	case adminlang.Abort:
		err = e.Sync.Abort(ctx, target)
	}
	if err != nil {
		return nil, placed(syncError(err, front), c)
	}
	for _, line := range front.warnings {
		result.warning(line)
	}
	if !c.Is(adminlang.DryRun) {
		e.log("%s", c)
	}
	return result, nil
}

// placed gives an error that has no position that of what the command is about.
func placed(err error, c adminlang.Sync) error {
	var shown *Error
	if errors.As(err, &shown) && shown.Position == 0 {
		shown.Position = max(c.Source.At, c.Table.At())
	}
	return err
}

// target returns what a command is about.
func (e *Executor) target(ctx context.Context, c adminlang.Sync) (resync.Target, error) {
	if c.Source.Text == "" {
		main, err := mainTable(ctx, e.DB, c.Table)
		if err != nil {
			return resync.Target{}, err
		}
		target, found := e.Sync.Target(string(main.Schema), string(main.Name))
		if !found {
			return target, noTable(c.Table)
		}
		return target, nil
	}
	return resync.Target{Source: c.Source.Text}, e.exists(ctx, c.Source)
}

// answers is a front that knows the answers from the command, and collects the
// questions and the warnings.
type answers struct {
	command  adminlang.Sync
	asked    [][]any
	warnings []string
}

var _ resync.Front = (*answers)(nil)

// Ask implements resync.Front. A dry run asks on; otherwise a synchronization in
// progress is not begun anew unasked.
func (a *answers) Ask(q resync.Question) (bool, error) {
	option := ""
	switch q.Kind {
	case resync.AskRestart:
		option = adminlang.Restart
	case resync.AskFromBeginning:
		option = adminlang.FromBeginning
	case resync.AskBegin, resync.AskUnconfirmed:
	}
	if a.command.Is(adminlang.DryRun) {
		a.asked = append(a.asked, []any{strings.TrimSpace(q.Text), option})
		return true, nil
	}
	switch q.Kind {
	case resync.AskRestart:
		if !a.command.Is(option) {
			return false, &Error{
				Code: codeObjectState, Message: strings.Join(a.warnings, "; "),
				Hint: "add \"with (restart)\" to begin it anew, or use \"endsync\" or \"abort sync\"",
			}
		}
		return true, nil
	case resync.AskUnconfirmed:
		return false, resync.ErrNoTerminal
	case resync.AskFromBeginning:
		return a.command.Is(option), nil
	case resync.AskBegin:
	}
	return true, nil
}

// Warn implements resync.Front.
func (a *answers) Warn(line string) { a.warnings = append(a.warnings, line) }

// Progress implements resync.Front: "list status" shows it.
func (a *answers) Progress(change.Table, int64, int64) {}

// HintForce is the hint where ENDSYNC does not end rows without being forced to.
const HintForce = "add \"with (dry_run)\" to see what would be ended, \"with (force_unconfirmed)\" to end it nevertheless"

// syncError words an error of a synchronization for the port.
func syncError(err error, front *answers) error {
	var doubt *resync.DoubtError
	var busy *resync.BusyError
	switch {
	case errors.As(err, &busy):
		return &Error{Code: codeLockNotAvailable, Message: err.Error()}
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
		return &Error{Code: codeObjectState, Message: doubt.Message, Detail: detail, Hint: hint}
	case errors.Is(err, resync.ErrNotInSync):
		return &Error{Code: codeObjectState, Message: err.Error(), Hint: strings.Join(front.warnings, "\n")}
	case errors.Is(err, resync.ErrNotInResync), errors.Is(err, resync.ErrUnderway), errors.Is(err, resync.ErrBegunAnew):
		return &Error{Code: codeObjectState, Message: err.Error()}
	}
	return err
}

// describeSync describes the result of a synchronization's command.
func describeSync(c adminlang.Sync) []Column {
	switch {
	case c.Step == adminlang.End:
		ended := "ended"
		if c.Is(adminlang.DryRun) {
			ended = "would_be_ended"
		}
		columns := texts("table", "current", "confirmed", ended)
		for i := range columns[1:] {
			columns[i+1].OID = pgtype.Int8OID
		}
		if c.Is(adminlang.DryRun) {
			columns = append(columns, texts("for_example")...)
		}
		return columns
	case c.Step == adminlang.Begin && c.Is(adminlang.DryRun):
		return texts("question", "answer")
	}
	return nil
}

// countRows are the rows of the result of ENDSYNC.
func countRows(counts []resync.Count, dry bool) [][]any {
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
