package tables

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
	"metadb/internal/target/plan"
)

// The refusals of a change. Errors of other kinds have their own texts.
var (
	ErrNoTable      = errors.New("no such table")
	ErrNoColumn     = errors.New("no such column")
	ErrColumnExists = errors.New("the column exists already")
	ErrReserved     = errors.New("the name is one of the metadata columns")
	ErrNoType       = errors.New("no such type")
	ErrNarrowing    = errors.New("the type does not hold every value")
	ErrNotUUID      = errors.New("not every value is a UUID in canonical form")
)

// Alteration is one change of a main table.
type Alteration struct {
	Table ident.Qualified
	// Add means that the column is new.
	Add    bool
	Column ident.Name
	// Type is a type's name as PostgreSQL reads it.
	Type string
}

// Alter changes a table and returns it before and after the change; both are the same if no change
// is needed. A refusal wraps an error of this package. The caller keeps batches out.
func Alter(ctx context.Context, tx pgx.Tx, snap *catalog.Snapshot, a Alteration, log *slog.Logger) (before, after *catalog.Table, err error) {
	t := findByMain(snap, a.Table)
	if t == nil {
		return nil, nil, ErrNoTable
	}
	if t.Fault != nil {
		return nil, nil, fmt.Errorf("table %s can't be used: %w", t.Name, t.Fault)
	}
	to, err := typeNamed(ctx, tx, a.Type)
	if err != nil {
		return nil, nil, err
	}
	d := plan.Delta{Before: t, After: t.Clone()}
	if a.Add {
		err = addColumn(&d, a.Column, to)
	} else {
		err = widenColumn(ctx, tx, &d, a.Column, to)
	}
	if err != nil {
		return nil, nil, err
	}
	if d.After == t {
		return t, t, nil
	}
	after, err = ddl.Execute(ctx, tx, d, log)
	return t, after, err
}

// findByMain returns the table that has the main table main, nil if there is no such table.
func findByMain(snap *catalog.Snapshot, main ident.Qualified) *catalog.Table {
	for t := range snap.All() {
		if t.Main == main {
			return t
		}
	}
	return nil
}

// typeNamed returns the column type with a name that PostgreSQL knows. Lengths and precisions are
// refused, since the target's columns have no modifiers.
func typeNamed(ctx context.Context, tx pgx.Tx, name string) (change.Type, error) {
	if strings.Contains(name, "(") {
		return 0, fmt.Errorf("%w: it has a length", ErrNoType)
	}
	var found *uint32
	// An invalid name can be a syntax error, which would end the transaction.
	err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "SELECT pg_catalog.to_regtype($1)::oid", name).Scan(&found)
	})
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused):
		return 0, ErrNoType
	case err != nil:
		return 0, fmt.Errorf("look for type %s: %w", name, err)
	case found == nil:
		return 0, ErrNoType
	}
	for t := change.Text; int(t) < change.TypeCount; t++ {
		if datatype.InfoOf(t).OID == *found {
			return t, nil
		}
	}
	return 0, ErrNoType
}

// Types lists the types that a column can have.
func Types() []string {
	var names []string
	for t := change.Text; int(t) < change.TypeCount; t++ {
		names = append(names, t.String())
	}
	return names
}

// addColumn adds a column, which is NULL until the source has it.
func addColumn(d *plan.Delta, name ident.Name, to change.Type) error {
	if ident.IsMetadata(name) {
		return ErrReserved
	}
	// A name longer than PostgreSQL's limit is shortened like that of a source's column, which this
	// column may become.
	stored := ident.StoredColumn(string(name))
	// A column that was added by hand is taken over if it has the type.
	taken := func(f catalog.Column) bool { return f.Stored == stored }
	if slices.ContainsFunc(d.Before.UnmanagedColumns, func(f catalog.Column) bool { return taken(f) && f.Type != to }) {
		return ErrColumnExists
	}
	d.After.UnmanagedColumns = slices.DeleteFunc(d.After.UnmanagedColumns, taken)
	for _, c := range d.Before.Columns {
		if c.Stored == stored || c.Name == string(name) {
			return ErrColumnExists
		}
	}
	d.After.Columns = append(d.After.Columns, catalog.Column{Column: change.Column{Name: string(name), Type: to}, Stored: stored})
	for origin := range d.Before.Feeds {
		d.After.AddNever(origin, string(name))
	}
	return nil
}

// widenColumn widens a column. If the column has the type already, After becomes Before.
func widenColumn(ctx context.Context, tx pgx.Tx, d *plan.Delta, name ident.Name, to change.Type) error {
	if ident.IsMetadata(name) {
		return ErrReserved
	}
	at := -1
	for i, c := range d.Before.Columns {
		if c.Stored == name {
			at = i
		}
	}
	if at < 0 {
		return ErrNoColumn
	}
	from := d.Before.Columns[at].Type
	switch {
	case from == to:
		d.After = d.Before
		return nil
	case from == change.Text && to == change.UUID:
		if err := checkOnlyUUIDs(ctx, tx, d.Before, name); err != nil {
			return err
		}
	case datatype.Widen(from, to) != to:
		return fmt.Errorf("%w: it is %s", ErrNarrowing, from)
	}
	d.After.Columns[at].Type = to
	d.Steps = append(d.Steps, plan.TypeStep{Column: at, From: from, To: to})
	return nil
}

// checkOnlyUUIDs returns an error, with the number of row versions, if the column has texts other than
// canonical UUIDs. It locks the table against writes until tx ends.
func checkOnlyUUIDs(ctx context.Context, tx pgx.Tx, t *catalog.Table, column ident.Name) error {
	if _, err := tx.Exec(ctx, "LOCK TABLE "+t.Main.SQL()+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return fmt.Errorf("lock table %s: %w", t.Main, err)
	}
	var others int64
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+t.Main.SQL()+" WHERE "+column.SQL()+" !~ $1", datatype.CanonicalUUIDPattern).Scan(&others); err != nil {
		return fmt.Errorf("look for UUIDs in table %s: %w", t.Main, err)
	}
	if others > 0 {
		return fmt.Errorf("%w: %s", ErrNotUUID, change.Plural(others, "row version has another text", "row versions have other texts"))
	}
	return nil
}
