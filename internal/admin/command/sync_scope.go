package command

import (
	"context"
	"errors"
	"strings"

	"metadb/internal/admin/lang"
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

// syncScope is {DATA SOURCE S | TABLE S.T__} of the commands about synchronizations.
type syncScope struct {
	// Source is empty if it is about a table.
	Source lang.Name
	Table  lang.Object
}

func parseSyncScope(p *lang.Parser) syncScope {
	if p.ExpectOneOf("data", "table") == "table" {
		return syncScope{Table: p.Object("a table")}
	}
	p.Expect("source")
	return syncScope{Source: p.Name("a data source")}
}

func (s syncScope) String() string {
	if s.Source.Text == "" {
		return "table " + s.Table.String()
	}
	return "data source " + s.Source.String()
}

// addPosition adds the position of the scope to an error without a position.
func (s syncScope) addPosition(err error) error {
	var shown *Error
	if errors.As(err, &shown) && shown.Position == 0 {
		shown.Position = max(s.Source.At, s.Table.At())
	}
	return err
}

// findTarget returns the target of a synchronization.
func (s syncScope) findTarget(ctx context.Context, srv *Services) (resync.Target, error) {
	if s.Source.Text == "" {
		main, err := findMainTable(ctx, srv.DB, s.Table)
		if err != nil {
			return resync.Target{}, err
		}
		target, found := srv.Sync.Target(string(main.Schema), string(main.Name))
		if !found {
			return target, noTableError(s.Table)
		}
		return target, nil
	}
	return resync.Target{Source: s.Source.Text}, srv.checkSourceExists(ctx, s.Source)
}

// syncError converts an error of a synchronization to an error for the client.
func syncError(err error, front *optionAnswers) error {
	var doubt *resync.RiskError
	var busy *resync.BusyError
	switch {
	case errors.As(err, &busy):
		return &Error{Code: pgcode.LockNotAvailable, Message: err.Error()}
	case errors.As(err, &doubt):
		hint, detail, rule := hintForce, doubt.Detail, RuleUnconfirmed
		if doubt.Rejected || doubt.NewSnapshot {
			rule = ""
			detail = strings.Join(front.warnings, "\n")
		}
		switch {
		case doubt.Rejected:
			hint = "retry or purge them, or add \"with (force_unconfirmed)\""
		case doubt.NewSnapshot:
			hint = "begin anew (\"sync … with (restart)\") and take a new snapshot, or add \"with (force_unconfirmed)\""
		}
		return &Error{Code: pgcode.ObjectNotInPrerequisiteState, Message: doubt.Message, Detail: detail, Hint: hint, Constraint: rule}
	case errors.Is(err, resync.ErrNotInSync):
		return &Error{Code: pgcode.ObjectNotInPrerequisiteState, Message: err.Error(), Hint: strings.Join(front.warnings, "\n")}
	case errors.Is(err, resync.ErrNotInResync), errors.Is(err, resync.ErrUnderway), errors.Is(err, resync.ErrSnapshotRestarted):
		return &Error{Code: pgcode.ObjectNotInPrerequisiteState, Message: err.Error()}
	}
	return err
}

// RuleUnconfirmed is the Constraint of the error with which ENDSYNC refuses to end many unconfirmed
// rows. The command line asks then, and repeats the command with the option force_unconfirmed.
const RuleUnconfirmed = "unconfirmed_rows"

// hintForce is the hint where ENDSYNC ends rows only with an option.
const hintForce = "add \"with (dry_run)\" to see what would be ended, \"with (force_unconfirmed)\" to end it nevertheless"
