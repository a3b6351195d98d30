package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"metadb/internal/admin/lang"
	"metadb/internal/admin/tables"
	"metadb/internal/change"
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

// alterTable executes ALTER TABLE.
func (e *Executor) alterTable(ctx context.Context, c lang.AlterTable) (*Result, error) {
	main, err := findMainTable(ctx, e.DB, c.Table)
	if err != nil {
		return nil, err
	}
	changed, err := e.AlterTable(ctx, tables.Alteration{
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
		e.logChange("table %s: column %s added with type %s", c.Table, c.Column, c.Type.Text)
	}
	return result, nil
}

// alterError returns the client's error for a refusal of AlterTable.
func alterError(err error, c lang.AlterTable) error {
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

// purgeTables executes PURGE DATA DROP TABLE.
func (e *Executor) purgeTables(ctx context.Context, c lang.PurgeTables) (*Result, error) {
	mains := make([]ident.Qualified, len(c.Tables))
	for i, name := range c.Tables {
		var err error
		if mains[i], err = findMainTable(ctx, e.DB, name); err != nil {
			return nil, err
		}
	}
	dropped, err := e.PurgeTables(ctx, mains)
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
	e.logChange("%s", c)
	return result, nil
}
