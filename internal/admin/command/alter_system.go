package command

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/lang"
)

// alterSystemCommand is ALTER SYSTEM SET PARAM {= | TO} {'V' | number}. It takes the place of
// PostgreSQL's own.
func alterSystemCommand() Command {
	return Command{
		Words: "alter system", Claim: "alter system set",
		Purpose: "set a configuration parameter",
		Syntax:  "alter system set PARAMETER = 'VALUE'",
		Example: "alter system set snapshot_deadline = '4 hours'",
		Page:    "#parameters-and-origins",
		Parse: func(p *lang.Parser) Statement {
			p.Expect("set")
			c := alterSystem{Parameter: p.Name("a parameter")}
			if !p.Accept("to") {
				p.Expect("=")
			}
			c.Value = p.ValueOrNumber("a value")
			return c
		},
	}
}

type alterSystem struct {
	Parameter lang.Name
	Value     lang.Value
}

func (c alterSystem) String() string {
	return fmt.Sprintf("alter system set %s = %s", c.Parameter, c.Value)
}

// Run stores a parameter.
func (c alterSystem) Run(ctx context.Context, srv *Services) (*Result, error) {
	p, err := findParameter(c.Parameter)
	if err != nil {
		return nil, err
	}
	if err := srv.checkParameter(ctx, p, c.Value); err != nil {
		return nil, err
	}
	err = srv.inTransaction(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "update metadb.config set value = $2 where parameter = $1", p.name, c.Value.Text)
		if err != nil || tag.RowsAffected() > 0 {
			return err
		}
		_, err = tx.Exec(ctx, "insert into metadb.config (parameter, value) values ($1, $2)", p.name, c.Value.Text)
		return err
	})
	if err != nil {
		return nil, err
	}
	srv.logChange("parameter %s set to %q", p.name, c.Value.Text)
	if p.restart {
		return tagResult("ALTER SYSTEM").addNotice(messageRestart), nil
	}
	return tagResult("ALTER SYSTEM"), nil
}
