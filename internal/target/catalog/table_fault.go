package catalog

import (
	"fmt"

	"metadb/internal/ident"
)

// Problem is a kind of fault of a table.
type Problem string

// The kinds of faults. Programs read these words too: they do not change.
const (
	// Missing: a relation of the table is not there, while others are.
	Missing Problem = "missing"
	// Replaced: a relation of another kind has the name.
	Replaced Problem = "replaced"
	// OtherOwner: a relation belongs to another role, which could redirect or alter Metadb's writes.
	OtherOwner Problem = "owner"
	// Detached: a relation is no partition of the one that it belongs to.
	Detached Problem = "detached"
	// Unlogged: a crash of PostgreSQL would empty the relation.
	Unlogged Problem = "unlogged"
	// RowSecurity: policies hide rows from Metadb.
	RowSecurity Problem = "row security"
	// Rewritten: a rule replaces the writes of Metadb.
	Rewritten Problem = "rule"
	// Unconfirmed: the table of the ids that a resynchronization has confirmed is missing, and the
	// confirmations with it.
	Unconfirmed Problem = "unconfirmed"
	// Changed: a relation differs from the one that was read; reading the tables again finds the
	// problem.
	Changed Problem = "changed"
	// ColumnMissing: a metadata column or one of the key is not there.
	ColumnMissing Problem = "column missing"
	// ColumnType: a column has a type that Metadb did not choose and can't write.
	ColumnType Problem = "column type"
	// ColumnGenerated: PostgreSQL computes a column that Metadb writes.
	ColumnGenerated Problem = "column generated"
	// ColumnCollation: the collation of a key column makes different texts equal, and the table is
	// transformed or has transformed tables.
	ColumnCollation Problem = "column collation"
	// ColumnRequired: a column that Metadb did not make has to have a value.
	ColumnRequired Problem = "column required"
)

// Fault is the reason why a table can't be used: its relations in the database were changed by
// hand. Its events wait until the administrator has mended it.
type Fault struct {
	Problem Problem
	// Relation is the relation that has the fault, Column its column; both are empty where they do
	// not apply.
	Relation ident.Qualified
	Column   ident.Name
	// Found is the kind of relation, the role, the rule, the type or the collation that is there;
	// Parent is the relation of which Relation should be a partition.
	Found  string
	Parent ident.Qualified
}

// Error describes the fault and its remedy.
func (f *Fault) Error() string {
	at := f.Relation.SQL()
	column := "column " + f.Column.SQL() + " of " + at
	switch f.Problem {
	case Missing:
		return at + " is missing: put it back under that name"
	case Replaced:
		return fmt.Sprintf("%s is a %s that Metadb did not make: rename or drop it, and put back what was there", at, f.Found)
	case OtherOwner:
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
