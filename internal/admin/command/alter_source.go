package command

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/lang"
	"metadb/internal/datasource"
)

// alterSource stores changed options. The running stream keeps its present options:
// docs/spec/06-synchronization.md#when-changed-options-are-used lists when each is used.
func (e *Executor) alterSource(ctx context.Context, c lang.AlterSource) (*Result, error) {
	c.Options = canonicalOptions(c.Options)
	err := e.withoutStatementLogging(ctx, func(tx pgx.Tx) error {
		options, err := datasource.Load(ctx, tx, c.Name.Text)
		if err != nil {
			return err
		}
		if err := applyOptions(options, c.Options); err != nil {
			return err
		}
		if err := options.Validate(); err != nil {
			return optionError(err, c.Name.At)
		}
		if err := checkGroup(ctx, tx, options, c.Options); err != nil {
			return err
		}
		if err := e.sealPassword(options); err != nil {
			return err
		}
		return datasource.Update(ctx, tx, options)
	})
	if errors.Is(err, datasource.ErrNotExist) {
		return nil, missingError("data source", c.Name)
	}
	if err != nil {
		return nil, err
	}
	e.logChange("data source %q altered", c.Name.Text)
	live := !slices.ContainsFunc(c.Options, func(o lang.Option) bool { return !datasource.IsLive(o.Key.Text) })
	if live {
		return tagResult("ALTER DATA SOURCE").addNotice("the change is used at the next connection; restart the server to use it now"), nil
	}
	return tagResult("ALTER DATA SOURCE").addNotice(messageRestart).addHint(restartHint(c)), nil
}

// restartHint returns the hint how changed options take effect. A restart alone reads the snapshot
// of new topics outside of a synchronization, and ends no row.
func restartHint(c lang.AlterSource) string {
	another := slices.ContainsFunc(c.Options, func(o lang.Option) bool {
		return o.Key.Text == "topics" || o.Key.Text == "consumer_group"
	})
	if !another {
		return fmt.Sprintf("or, without a restart, begin a resynchronization: sync data source %s;", c.Name)
	}
	return fmt.Sprintf("a restart alone reads the snapshot of new topics outside of a synchronization, and ends no row that is gone at the source: "+
		"run \"metadb sync\" before it, or, without a restart: sync data source %s;", c.Name)
}
