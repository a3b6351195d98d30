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

// alterSourceCommand is ALTER DATA SOURCE NAME OPTIONS (…).
func alterSourceCommand() Command {
	return Command{
		Words: "alter data source", Claim: "alter data",
		Purpose: "change the options of a data source",
		Syntax:  "alter data source NAME options ([add | set | drop] OPTION ['VALUE'], …)",
		Example: "alter data source sensor options (set brokers 'kafka2:9092', drop module)",
		Page:    "data-sources.md",
		Lock:    LockStreams,
		Parse: func(p *lang.Parser) Statement {
			c := alterSource{Name: p.Name("a name")}
			p.Expect("options")
			c.Options = parseOptions(p, true)
			return c
		},
	}
}

type alterSource struct {
	Name    lang.Name
	Options []option
}

func (c alterSource) String() string {
	return fmt.Sprintf("alter data source %s options (%s)", c.Name, lang.Join(c.Options))
}

// Run stores changed options. The running stream keeps its present options:
// docs/spec/06-synchronization.md#when-changed-options-are-used lists when each is used.
func (c alterSource) Run(ctx context.Context, srv *Services) (*Result, error) {
	c.Options = canonicalOptions(c.Options)
	err := srv.withoutStatementLogging(ctx, func(tx pgx.Tx) error {
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
		if err := srv.sealPassword(options); err != nil {
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
	srv.logChange("data source %q altered", c.Name.Text)
	live := !slices.ContainsFunc(c.Options, func(o option) bool { return !datasource.IsLive(o.Key.Text) })
	if live {
		return tagResult("ALTER DATA SOURCE").addNotice("the change is used at the next connection; restart the server to use it now"), nil
	}
	return tagResult("ALTER DATA SOURCE").addNotice(messageRestart).addHint(restartHint(c)), nil
}

// restartHint returns the hint how changed options take effect. A restart alone reads the snapshot
// of new topics outside of a synchronization, and ends no row.
func restartHint(c alterSource) string {
	another := slices.ContainsFunc(c.Options, func(o option) bool {
		return o.Key.Text == "topics" || o.Key.Text == "consumer_group"
	})
	if !another {
		return fmt.Sprintf("or, without a restart, begin a resynchronization: sync data source %s;", c.Name)
	}
	return fmt.Sprintf("a restart alone reads the snapshot of new topics outside of a synchronization, and ends no row that is gone at the source: "+
		"run \"metadb sync\" before it, or, without a restart: sync data source %s;", c.Name)
}
