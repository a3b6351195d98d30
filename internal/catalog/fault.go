package catalog

import (
	"fmt"

	"metadb/internal/ident"
)

// Problem is a kind of fault of a table.
type Problem string

// The kinds of faults. Their words are for programs too, and do not change.
const (
	// Missing: a relation of the table is not there, while others are.
	Missing Problem = "missing"
	// Replaced: a relation has the name that is of another kind.
	Replaced Problem = "replaced"
	// Owned: a relation belongs to another role, which can have what is written do
	// something else.
	Owned Problem = "owner"
	// Detached: a relation is no partition of the one that it belongs to.
	Detached Problem = "detached"
	// Unlogged: a crash of PostgreSQL would empty the relation.
	Unlogged Problem = "unlogged"
	// RowSecurity: policies hide rows from Metadb.
	RowSecurity Problem = "row security"
	// Rewritten: a rule does something else instead of what Metadb writes.
	Rewritten Problem = "rule"
	// Unconfirmed: the table of the ids that a resynchronization has confirmed
	// is gone, and with it what it had confirmed.
	Unconfirmed Problem = "unconfirmed"
	// Changed: a relation is not as it was when the tables were read; what is
	// wrong is seen when they are read again.
	Changed Problem = "changed"
	// ColumnMissing: a metadata column or one of the key is not there.
	ColumnMissing Problem = "column missing"
	// ColumnType: a column has a type that Metadb did not give it and can't
	// write.
	ColumnType Problem = "column type"
	// ColumnGenerated: PostgreSQL computes a column that Metadb writes.
	ColumnGenerated Problem = "column generated"
	// ColumnCollation: the collation of a key's column takes different texts for
	// equal, and the table is transformed, or made of another.
	ColumnCollation Problem = "column collation"
	// ColumnRequired: a column that Metadb did not make has to have a value.
	ColumnRequired Problem = "column required"
)

// Fault is why a table can't be used as the database has it: somebody has
// changed it by hand. Its events wait until it is mended.
type Fault struct {
	Problem Problem
	// Relation is what the fault was found at, Column which of its columns;
	// empty where it is none.
	Relation ident.Qualified
	Column   ident.Name
	// Found is the kind of relation, the type or the collation that is there,
	// Parent the relation that Relation should be a partition of.
	Found  string
	Parent ident.Qualified
}

// Error says what is wrong and what helps.
func (f *Fault) Error() string {
	at := f.Relation.SQL()
	column := "column " + f.Column.SQL() + " of " + at
	switch f.Problem {
	case Missing:
		return at + " is missing: put it back under that name"
	case Replaced:
		return fmt.Sprintf("%s is a %s that Metadb did not make: rename or drop it, and put back what was there", at, f.Found)
	case Owned:
		return fmt.Sprintf("%s belongs to role %s, and not to Metadb's system user: alter table … owner to the system user, if it is Metadb's", at, f.Found)
	case Detached:
		return fmt.Sprintf("%s is not a partition of %s: attach it", at, f.Parent.SQL())
	case Unlogged:
		return at + " is unlogged, so that a crash of PostgreSQL would empty it: alter table … set logged"
	case RowSecurity:
		return "row-level security hides rows of " + at + " from Metadb: alter table … no force row level security"
	case Rewritten:
		return fmt.Sprintf("rule %s on %s replaces what Metadb writes: drop or disable it", f.Found, at)
	case Unconfirmed:
		return at + " is missing, and what the resynchronization under way has confirmed: begin it anew"
	case Changed:
		return at + " was changed by hand"
	case ColumnMissing:
		return column + " is missing: put it back under that name"
	case ColumnType:
		return fmt.Sprintf("%s has type %s, which is none of Metadb's", column, f.Found)
	case ColumnGenerated:
		return column + " is generated, so that Metadb can't write it"
	case ColumnCollation:
		return fmt.Sprintf("%s has the collation %s, which takes different texts for equal: a key of a table with a mapping can't", column, f.Found)
	case ColumnRequired:
		return column + " was not made by Metadb and has to have a value: give it a default, or let it be null"
	}
	return at + ": " + string(f.Problem)
}
