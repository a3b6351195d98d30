package ident

import "strconv"

// Relations of a target table (docs/spec/01-tables.md#relations). Each function takes the table's
// full name and shortens on its own: a name that fits for the current table may be too long for a
// year's partition. Shortened names of one kind never collide, see fitName.

// Schema returns the schema's name.
func Schema(schema string) Name { return fitName("", schema, "") }

// Current returns the name of the current table, the table's own.
func Current(table string) Name { return fitName("", table, "") }

// Main returns the name of the main table, which has every version.
func Main(table string) Name { return fitName("", table, "__") }

// History returns the name of the partition that holds ended versions.
func History(table string) Name { return fitName("zzz___", table, "___") }

// Year returns the name of the history partition for a year of __start.
func Year(table string, year int) Name { return fitName("zzz___", table, "___"+strconv.Itoa(year)) }

// Sync returns the name of the table of confirmed ids.
func Sync(table string) Name { return fitName("zzz___", table, "___sync") }

// Sequence returns the name of the sequence that __id comes from.
func Sequence(table string) Name { return fitName("zzz___", table, "___id") }

// Index returns the name of an index on the relation; what names the columns, such as "__id" or
// "key". Indexes share the name space of tables, so that the name always ends with a hash, which
// table names do not have.
func Index(relation Name, what string) Name {
	return hashedName("", string(relation)+"_"+what, "_idx", string(relation)+"\x00"+what)
}

// StoredColumn returns the stored name of a source column: its own, with "_" appended while a
// metadata column or a system column has it.
func StoredColumn(source string) Name {
	name := fitName("", source, "")
	for IsMetadata(name) || IsSystem(name) {
		name = fitName("", string(name), "_")
	}
	return name
}
