package plan

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
)

// tableRefusal returns the reason why no event of the data source may go to a table, empty if events
// may.
func (m *planner) tableRefusal(name change.Table, before *catalog.Table) string {
	switch {
	case before == nil:
		return m.newTableRefusal(name)
	case before.Parent != m.parent && before.IsTransformed():
		return fmt.Sprintf("table %s is transformed from table %s", name, before.Parent)
	case before.Parent != m.parent:
		return fmt.Sprintf("table %s is fed by a source", name)
	case before.Source != m.source && before.Source != "":
		return fmt.Sprintf("table %s belongs to data source %q", name, before.Source)
	}
	return ""
}

// newTableRefusal returns the reason why a table can't be created under a name, empty if it can.
func (m *planner) newTableRefusal(name change.Table) string {
	if reason := nameProblem(name.Schema); reason != "" {
		return "the name of the schema " + reason
	}
	if reason := nameProblem(name.Name); reason != "" {
		return "the name of the table " + reason
	}
	if isReserved(name.Schema) {
		return fmt.Sprintf("schema %s is reserved", name.Schema)
	}
	table := catalog.NewTable(name, m.source)
	for other := range m.knownTables() {
		if relation, taken := findNameConflict(table, other); taken {
			return fmt.Sprintf("table %s needs the name %s, which belongs to table %s", name, relation, other.Name)
		}
	}
	return ""
}

// nameProblem returns the defect of a name, empty if PostgreSQL can store the name.
func nameProblem(name string) string {
	switch {
	case name == "":
		return "is empty"
	case !utf8.ValidString(name):
		return fmt.Sprintf("is not valid UTF-8: %q", name)
	case strings.ContainsRune(name, 0):
		return fmt.Sprintf("has a zero byte: %q", name)
	}
	return ""
}

// isReserved reports whether a schema is PostgreSQL's or Metadb's own, which no source may fill.
func isReserved(schema string) bool {
	return schema == "metadb" || schema == "information_schema" || strings.HasPrefix(schema, "pg_")
}

// knownTables yields the tables that exist and those that the batch creates.
func (m *planner) knownTables() iter.Seq[*catalog.Table] {
	return func(yield func(*catalog.Table) bool) {
		for table := range m.snap.All() {
			if !yield(table) {
				return
			}
		}
		for _, d := range m.draftOrder {
			if d.before == nil && !yield(d.after) {
				return
			}
		}
	}
}

// findNameConflict returns a relation name that both tables claim: one of their first relations, or a year
// of history, which may be added at any time. Two such tables would be mixed: table x has the main
// table x__, and so table x__ can't exist beside it.
func findNameConflict(a, b *catalog.Table) (ident.Qualified, bool) {
	if a.Main.Schema != b.Main.Schema {
		return ident.Qualified{}, false
	}
	for x := range a.Relations() {
		for y := range b.Relations() {
			if x == y {
				return x, true
			}
		}
		if isHistoryYearOf(x, b) {
			return x, true
		}
	}
	for y := range b.Relations() {
		if isHistoryYearOf(y, a) {
			return y, true
		}
	}
	return ident.Qualified{}, false
}

// isHistoryYearOf reports whether the relation has the name of a year of t's history.
func isHistoryYearOf(relation ident.Qualified, t *catalog.Table) bool {
	text := string(relation.Name)
	year, err := strconv.Atoi(text[strings.LastIndexByte(text, '_')+1:])
	return err == nil && t.Year(year) == relation
}
