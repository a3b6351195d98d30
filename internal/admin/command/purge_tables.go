package command

import (
	"context"
	"errors"
	"fmt"

	"metadb/internal/admin/lang"
	"metadb/internal/admin/tables"
	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/pgcode"
)

// purgeTablesCommand is PURGE DATA DROP TABLE S.T__ [, …].
func purgeTablesCommand() Command {
	return Command{
		Words: "purge data", Claim: "purge",
		Purpose: "drop main tables, with what is transformed from them, their mappings and grants",
		Syntax:  "purge data drop table SCHEMA.TABLE__ [, …]",
		Example: "purge data drop table library.patron__, library.inventory__",
		Page:    "#columns-and-tables",
		Lock:    LockStreams,
		Parse: func(p *lang.Parser) Statement {
			p.Expect("drop", "table")
			c := purgeTables{Tables: []lang.Object{p.Object("a table")}}
			for p.Accept(",") {
				c.Tables = append(c.Tables, p.Object("a table"))
			}
			return c
		},
	}
}

type purgeTables struct{ Tables []lang.Object }

func (c purgeTables) String() string { return "purge data drop table " + lang.Join(c.Tables) }

// Run executes PURGE DATA DROP TABLE.
func (c purgeTables) Run(ctx context.Context, srv *Services) (*Result, error) {
	mains := make([]ident.Qualified, len(c.Tables))
	for i, name := range c.Tables {
		var err error
		if mains[i], err = findMainTable(ctx, srv.DB, name); err != nil {
			return nil, err
		}
	}
	dropped, err := srv.Tables.PurgeTables(ctx, mains)
	var missing tables.MissingError
	var busy tables.BusyError
	switch {
	case errors.As(err, &missing):
		return nil, noTableError(c.Tables[missing])
	case errors.As(err, &busy):
		name := c.Tables[busy]
		return nil, &Error{
			Code: pgcode.ObjectNotInPrerequisiteState, Message: fmt.Sprintf("table %s is being synchronized", name),
			Hint: fmt.Sprintf("endsync table %s; or abort sync table %s; comes first", name, name), Position: name.At(),
		}
	case err != nil:
		return nil, withDependentsHint(err)
	}
	result := tagResult("PURGE DATA")
	for _, t := range dropped.Transformed {
		result.addNotice(fmt.Sprintf("table %s dropped too, since it was transformed from one of them", t.SQL()))
	}
	if dropped.Mappings > 0 {
		result.addNotice(change.Plural(dropped.Mappings, "data mapping", "data mappings") + " dropped")
	}
	if dropped.Grants > 0 {
		result.addNotice(change.Plural(dropped.Grants, "grant", "grants") + " dropped")
	}
	for _, t := range dropped.Parents {
		result.addNotice(fmt.Sprintf("the data mappings of table %s are still there: they make the table again", t.SQL()))
	}
	srv.logChange("%s", c)
	return result, nil
}
