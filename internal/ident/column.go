package ident

import "slices"

// The columns that come first in every main table.
const (
	ID        Name = "__id"
	Start     Name = "__start"
	End       Name = "__end"
	IsCurrent Name = "__current"
	Origin    Name = "__origin"
)

// Metadata returns the five metadata columns in their order.
func Metadata() []Name { return []Name{ID, Start, End, IsCurrent, Origin} }

// IsMetadata reports whether a column of this name is a metadata column.
func IsMetadata(name Name) bool { return slices.Contains(Metadata(), name) }

// IsSystem reports whether every table of PostgreSQL has a system column of this name, so that no
// column of its own can have it.
// https://www.postgresql.org/docs/current/ddl-system-columns.html
func IsSystem(name Name) bool {
	switch name {
	case "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid":
		return true
	}
	return false
}
