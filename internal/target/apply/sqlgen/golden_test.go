package sqlgen_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/catalog"
	"metadb/internal/target/history"
)

var update = flag.Bool("update", false, "write the statements into testdata")

// tableShape is a table for which the statements are shown.
type tableShape struct {
	name  string
	table *catalog.Table
	// nulls says which columns of the key are NULL.
	nulls history.NullPattern
}

// shapes are a plain table; one with a key of two columns, the second of which is NULL, and without a
// unique index; and one with a text key that has a collation of its own.
func shapes() []tableShape {
	column := func(name string, kind change.Type) catalog.Column {
		return catalog.Column{Column: change.Column{Name: name, Type: kind}, Stored: ident.Name(name)}
	}
	table := func(name string, key []int, columns ...catalog.Column) *catalog.Table {
		of := func(suffix string) ident.Qualified {
			return ident.Qualified{Schema: "library", Name: ident.Name(name + suffix)}
		}
		return &catalog.Table{
			Name: change.Table{Schema: "library", Name: name}, Columns: columns, Key: key, UniqueKey: true,
			Current: of(""), Main: of("__"), History: of("__h"), Sync: of("__sync"), Sequence: of("____id_seq"),
		}
	}
	loan := table("loan", []int{0, 1}, column("patron", change.BigInt), column("item", change.Text), column("fee", change.Numeric))
	loan.UniqueKey = false
	folded := column("code", change.Text)
	folded.Collation = "case_insensitive"
	return []tableShape{
		{"plain", table("book", []int{0}, column("id", change.Integer), column("title", change.Text), column("data", change.JSONB)), 0},
		{"composite_key_with_null", loan, 1 << 1},
		{"text_key", table("branch", []int{0}, folded, column("name", change.Text)), 0},
	}
}

// statement is a statement with the name of the function that returns it.
type statement struct{ name, sql string }

// statements returns each statement of the package for a table.
func statements(s tableShape) []statement {
	t := s.table
	stage := &sqlgen.Stage{Number: 1}
	var keyColumns []change.Column
	var fields []history.ChunkField
	var arriving []change.Type
	for i, c := range t.Columns {
		stage.Types = append(stage.Types, c.Type)
		arriving = append(arriving, change.Text)
		if i < 2 {
			fields = append(fields, history.ChunkField{Column: i})
		}
	}
	for _, at := range t.Key {
		keyColumns = append(keyColumns, t.Columns[at].Column)
	}
	permanent := &sqlgen.Stage{Number: 2, Types: arriving, Permanent: true}
	last := len(t.Columns) - 1
	match := sqlgen.KeyMatch{Table: t, Stage: stage, Key: t.Key, Nulls: s.nulls}
	keys := sqlgen.NewKeyList(t, t.Key, keyColumns)
	return []statement{
		{"Stage.CreateSQL", strings.ReplaceAll(stage.CreateSQL(), "\n\t", " ")},
		{"Stage.CopySQL", stage.CopySQL([]int{0, last})},
		{"Stage.CopySQL, permanent", permanent.CopySQL([]int{0, last})},
		{"Stage.InsertSQL", stage.InsertSQL([]int{0}, []string{"c0::bigint"}, permanent.SQL()+" AS s")},
		{"Stage.InsertSQL, permanent", permanent.InsertSQL([]int{0}, []string{"c0::bigint"}, stage.SQL()+" AS s")},
		{"Stage.EmptySQL, permanent", permanent.EmptySQL()},
		{"KeyMatch.CurrentRows", match.CurrentRows([]int{last})},
		{"KeyMatch.LastEnds", match.LastEnds()},
		{"KeyMatch.LastEndedAt", match.LastEndedAt()},
		{"KeyMatch.Repeated", match.Repeated(map[int]bool{last: true}, false)},
		{"KeyMatch.Repeated, by position", match.Repeated(nil, true)},
		{"KeyMatch.LastingVersions", match.LastingVersions(nil)},
		{"KeyMatch.Intervals", match.Intervals()},
		{"KeyMatch.FillFromCurrent", match.FillFromCurrent([]int{last}, nil)},
		{"KeyMatch.FillByOldKey", match.FillByOldKey([]int{last}, map[int]bool{last: true})},
		{"KeyMatch.PairedDeletes", match.PairedDeletes()},
		{"FillFromVersion", sqlgen.FillFromVersion(t, stage, []int{last}, nil)},
		{"EqualNeighbours", sqlgen.EqualNeighbours(t, stage)},
		{"DrawIDs", sqlgen.DrawIDs(t)},
		{"InsertStaged", sqlgen.InsertStaged(t, t.Current, stage)},
		{"CopyVersions", sqlgen.CopyVersions(t.Current, t, fields)},
		{"CopyConfirmed", sqlgen.CopyConfirmed(t)},
		{"InsertEnded", sqlgen.InsertEnded(t, t.Year(2026))},
		{"DeleteEnded", sqlgen.DeleteEnded(t)},
		{"EndRows", sqlgen.EndRows(t, "", "c.__origin = $1", "$2::timestamptz")},
		{"TruncatedYears", sqlgen.TruncatedYears(t, "c.__origin = $1")},
		{"TruncateOvertaken", sqlgen.TruncateOvertaken(t.History)},
		{"ReinsertedRows", sqlgen.ReinsertedRows(t)},
		{"ResumeVersion", sqlgen.ResumeVersion(t, t.History)},
		{"BeginEarlier", sqlgen.BeginEarlier(t)},
		{"EndEarlier", sqlgen.EndEarlier(t)},
		{"KeyList.ReplacedRows", keys.ReplacedRows(t, sqlgen.LongValueColumns(t, []int{last}, keys.Parameters+1))},
		{"KeyList.RowValues", keys.RowValues(t, fields)},
		{"EqualReplacements", sqlgen.EqualReplacements(t)},
		{"DeleteReplacements", sqlgen.DeleteReplacements(t)},
		{"RestoreReplaced", sqlgen.RestoreReplaced(t)},
	}
}

// TestGolden compares the statements for three shapes of table with testdata, where they are broken
// into lines. `make golden` writes them again.
func TestGolden(t *testing.T) {
	for _, s := range shapes() {
		var b strings.Builder
		for _, st := range statements(s) {
			b.WriteString("-- " + st.name + "\n" + breakLines(st.sql) + ";\n\n")
		}
		got := strings.TrimSuffix(b.String(), "\n")
		file := filepath.Join("testdata", s.name+".sql")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		known := strings.Split(string(want), "\n\n")
		for _, part := range strings.Split(got, "\n\n") {
			if !slices.ContainsFunc(known, func(k string) bool { return strings.TrimSpace(k) == strings.TrimSpace(part) }) {
				t.Errorf("%s does not have this statement (`make golden` writes it):\n%s", file, part)
			}
		}
		if got != string(want) && !t.Failed() {
			t.Errorf("%s has other statements or another order (`make golden` writes it)", file)
		}
	}
}

// clause is the beginning of a part of a statement that gets a line of its own; condition that of a
// part in which each condition gets one.
var (
	clause     = regexp.MustCompile(`^(SELECT|INSERT INTO|SET|FROM|USING|JOIN|CROSS JOIN|WHERE|GROUP BY|ORDER BY|RETURNING|, moved AS|AND|OR)\b`)
	condition  = regexp.MustCompile(`^(JOIN|WHERE)\b`)
	conjuncted = regexp.MustCompile(`^(AND|OR)\b`)
	// attached are the endings of a line to which the next clause belongs.
	attached = regexp.MustCompile(`(DISTINCT|DELETE|SELECT|CROSS)$`)
)

// openPart is a part of a statement in parentheses: it is broken into lines, and has conditions.
type openPart struct{ breaks, conditions bool }

// breakLines breaks a statement into lines, indented by the depth of parentheses. Short parts in
// parentheses stay on their line.
func breakLines(sql string) string {
	var b strings.Builder
	open := []openPart{{breaks: true}}
	for i := 0; i < len(sql); i++ {
		now := &open[len(open)-1]
		switch sql[i] {
		case '(':
			open = append(open, openPart{breaks: closing(sql[i:]) > 60, conditions: now.conditions})
		case ')':
			open = open[:len(open)-1]
		case ' ', ',':
			rest := strings.TrimPrefix(sql[i:], " ")
			word := clause.FindString(rest)
			if word == "" || attached.MatchString(sql[:i]) || !now.breaks || conjuncted.MatchString(word) && !now.conditions {
				break
			}
			b.WriteString("\n" + strings.Repeat("    ", len(open)-1))
			switch {
			case conjuncted.MatchString(word):
				b.WriteString("  ")
			default:
				now.conditions = condition.MatchString(word)
			}
			if sql[i] == ' ' {
				continue
			}
		}
		b.WriteByte(sql[i])
	}
	return b.String()
}

// closing returns the length of a text up to the parenthesis that closes its first one.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(text)
}
