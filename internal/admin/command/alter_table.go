package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"metadb/internal/admin/lang"
	"metadb/internal/admin/tables"
	"metadb/internal/ident"
	"metadb/internal/target/pgcode"
)

// Tables changes main tables while the streams run.
type Tables interface {
	// AlterTable adds or widens a column; it reports whether it changed anything. A refusal wraps
	// an error of package tables.
	AlterTable(ctx context.Context, a tables.Alteration) (changed bool, err error)
	// PurgeTables drops all of the tables or, if that fails, not any of them.
	PurgeTables(ctx context.Context, mains []ident.Qualified) (tables.Dropped, error)
}

// addColumnCommand is ALTER TABLE S.T__ ADD COLUMN C TYPE.
func addColumnCommand() Command {
	return Command{
		Title: "alter table add column", Words: "alter table",
		Claims: func(h *lang.Head) bool {
			rest, ok := behindMainTable(h)
			return ok && h.HasWords(rest, "add", "column")
		},
		Purpose: "add a column to a main table",
		Syntax:  "alter table SCHEMA.TABLE__ add column COLUMN TYPE",
		Example: "alter table library.patron__ add column expiration date",
		Page:    "#columns-and-tables",
		Lock:    LockStreams,
		Parse: func(p *lang.Parser) Statement {
			c := alterTable{Table: p.Object("a table"), Add: true}
			p.Expect("add", "column")
			c.Column = p.Name("a column")
			c.Type = p.Until("a type")
			return c
		},
	}
}

// alterColumnCommand is ALTER TABLE S.T__ ALTER COLUMN C TYPE TYPE.
func alterColumnCommand() Command {
	return Command{
		Title: "alter table alter column", Words: "alter table",
		Claims: func(h *lang.Head) bool {
			rest, ok := behindMainTable(h)
			return ok && h.HasWords(rest, "alter", "column") && h.IsName(rest+2) && h.HasWords(rest+3, "type")
		},
		Purpose: "widen the type of a column, or make it text or uuid",
		Syntax:  "alter table SCHEMA.TABLE__ alter column COLUMN type TYPE",
		Example: "alter table library.patron__ alter column id type bigint",
		Page:    "#columns-and-tables",
		Lock:    LockStreams,
		Parse: func(p *lang.Parser) Statement {
			c := alterTable{Table: p.Object("a table")}
			p.Expect("alter", "column")
			c.Column = p.Name("a column")
			p.Expect("type")
			c.Type = p.Until("a type")
			return c
		},
	}
}

// behindMainTable distinguishes the commands, which change columns of a main table, from
// PostgreSQL's ALTER TABLE, and returns the index behind the table's name. Names of main tables end
// with two underscores.
func behindMainTable(h *lang.Head) (rest int, ok bool) {
	if !h.HasWords(0, "alter", "table") || !h.IsName(2) {
		return 0, false
	}
	table := 2
	if h.HasWords(3, ".") && h.IsName(4) {
		table = 4
	}
	return table + 1, strings.HasSuffix(h.Text(table), "__")
}

type alterTable struct {
	Table lang.Object
	// Add means that the column is new.
	Add    bool
	Column lang.Name
	// Type is the type's name in the command's notation.
	Type lang.Value
}

func (c alterTable) String() string {
	if c.Add {
		return fmt.Sprintf("alter table %s add column %s %s", c.Table, c.Column, c.Type.Text)
	}
	return fmt.Sprintf("alter table %s alter column %s type %s", c.Table, c.Column, c.Type.Text)
}

// Run executes ALTER TABLE.
func (c alterTable) Run(ctx context.Context, srv *Services) (*Result, error) {
	main, err := findMainTable(ctx, srv.DB, c.Table)
	if err != nil {
		return nil, err
	}
	changed, err := srv.Tables.AlterTable(ctx, tables.Alteration{
		Table: main, Add: c.Add, Column: ident.Name(c.Column.Text), Type: c.Type.Text,
	})
	if err != nil {
		return nil, alterError(err, c)
	}
	result := tagResult("ALTER TABLE")
	switch {
	case !changed:
		result.addNotice(fmt.Sprintf("column %s has type %s already", c.Column, c.Type.Text))
	case c.Add:
		srv.logChange("table %s: column %s added with type %s", c.Table, c.Column, c.Type.Text)
	}
	return result, nil
}

// alterError returns the client's error for a refusal of AlterTable.
func alterError(err error, c alterTable) error {
	refused := func(code string, at int, hint, format string, args ...any) error {
		return &Error{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint, Position: at}
	}
	switch {
	case errors.Is(err, tables.ErrNoTable):
		return noTableError(c.Table)
	case errors.Is(err, tables.ErrNoColumn):
		return refused(pgcode.UndefinedColumn, c.Column.At, "", "table %s has no column %s", c.Table, c.Column)
	case errors.Is(err, tables.ErrColumnExists):
		return refused(pgcode.DuplicateColumn, c.Column.At, "", "table %s has a column %s already", c.Table, c.Column)
	case errors.Is(err, tables.ErrReserved):
		return refused(pgcode.ReservedName, c.Column.At, "", "column %s is one of those that Metadb keeps itself", c.Column)
	case errors.Is(err, tables.ErrNoType):
		return refused(pgcode.UndefinedObject, c.Type.At, "types, without length or precision, are: "+strings.Join(tables.Types(), ", "),
			"\"%s\" is no type of a column", c.Type.Text)
	case errors.Is(err, tables.ErrNarrowing):
		return refused(pgcode.InvalidParameterValue, c.Type.At, "a column can become text, or a number that holds every value; text can become uuid",
			"column %s can't become %s: %v", c.Column, c.Type.Text, err)
	case errors.Is(err, tables.ErrNotUUID):
		return refused(pgcode.InvalidParameterValue, c.Column.At, "", "column %s can't become %s: %v", c.Column, c.Type.Text, err)
	}
	return withDependentsHint(err)
}

// withDependentsHint adds a hint where PostgreSQL can't change a table because other objects depend
// on it or a session locks it.
func withDependentsHint(err error) error {
	shown := AsError(err)
	switch shown.Code {
	case pgcode.DependentObjectsStillExist:
		shown.Hint = "drop what depends on it first; nothing has been changed"
	case pgcode.FeatureNotSupported:
		shown.Hint = "drop the view first; nothing has been changed"
	case pgcode.LockNotAvailable:
		shown.Hint = "somebody is reading the table: select * from ps(); nothing has been changed"
	default:
		return err
	}
	return shown
}
