package scenario_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/testkit/corpus"
)

// typesPage is the page that TestConformance writes with -update, and compares
// with the generated text otherwise.
const typesPage = "../../../docs/types.md"

// modes are the recordings of every type, with the titles of their columns.
func modes() []struct{ recording, title string } {
	return []struct{ recording, title string }{
		{"types", "defaults"},
		{"types_connect_string", "`connect`, `string`"},
		{"types_iso", "`isostring`, `double`"},
		{"types_nano", "`nanoseconds`"},
		{"types_debezium_2_7", "Debezium 2.7"},
	}
}

// TestConformance generates the table of the stored types and losses of each source
// type: in each mode, from a snapshot and from the stream.
func TestConformance(t *testing.T) {
	columns := sourceColumns(t)
	c := &conformance{stored: map[string]string{}, lost: map[cell]string{}}
	for mode, m := range modes() {
		r := newReplay(t, m.recording, 100_000)
		r.follow(t, `^metadb_`, groupName, false)
		c.note(t, r, mode, m.recording)
		if mode == 0 {
			for table := range r.catalog(t).All() {
				for _, column := range table.Columns {
					c.stored[table.Name.Name+" "+column.Name] = column.Type.String()
				}
			}
		}
	}
	page := c.page(columns)
	if *update {
		if err := os.WriteFile(filepath.FromSlash(typesPage), []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	written, err := os.ReadFile(filepath.FromSlash(typesPage))
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != page {
		t.Errorf("docs/types.md is not what the recordings say; make conformance writes it anew")
	}
}

// cell is one field of the table.
type cell struct {
	value    string
	mode     int
	streamed bool
}

type conformance struct {
	// stored is the type of each column in the target.
	stored map[string]string
	// lost has the reason why values differ. Reasons are numbered from 1, in
	// the order in which the page mentions them.
	lost    map[cell]string
	reasons []string
}

// note notes which values of a recording differ, and why.
func (c *conformance) note(t *testing.T, r *replay, mode int, recording string) {
	t.Helper()
	known, streamed := corpus.StoredLosses(), streamedRows(t, recording)
	r.differ(t, func(table change.Table, column string, row map[string]*string) {
		value := table.String() + " " + column
		at := slices.IndexFunc(known, func(l corpus.Loss) bool { return l.Explains(recording, value) })
		if at < 0 {
			t.Errorf("%s: %s differs", recording, value)
			return
		}
		c.lost[cell{table.Name + " " + column, mode, streamed[table.String()+" "+*row["id"]]}] = known[at].Reason
	})
}

// streamedRows are the rows, by table and id, that the stream wrote last, not the
// snapshot.
func streamedRows(t *testing.T, recording string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, record := range corpus.Events(t, recording) {
		var value struct {
			Payload struct {
				Op     string
				After  struct{ ID int }
				Source struct{ Schema, Table string }
			}
		}
		if record.Value == nil {
			continue
		}
		if err := json.Unmarshal(record.Value, &value); err != nil {
			t.Fatal(err)
		}
		p := &value.Payload
		found[p.Source.Schema+"."+p.Source.Table+" "+strconv.Itoa(p.After.ID)] = p.Op != "r"
	}
	return found
}

const typesHead = `# Types

What becomes of each type of PostgreSQL, by the connector's modes. Every line was replayed from a recording of a real
Debezium 3.7 (the last column: 2.7) with ordinary values, extremes and NULL, and compared with what the source held;
` + "`make conformance`" + ` writes this page, and a test fails where it is not true. [Types and schema
changes](spec/02-types.md) is the specification.

*ok* means the same value, to the last digit. A number refers to the loss, below, in the snapshot or in the stream;
*both* means either way. Most losses happen in Debezium, before Metadb sees the value: choose the modes by what you
need.

`

// page returns the page in Markdown.
func (c *conformance) page(columns []sourceColumn) string {
	var b strings.Builder
	b.WriteString(typesHead + "| type at the source | column |")
	for _, m := range modes() {
		b.WriteString(" " + m.title + " |")
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(modes())) + "\n")
	for _, column := range columns {
		value := column.table + " " + column.name
		stored := c.stored[value]
		if stored == "" {
			stored = "–"
		}
		b.WriteString("| " + column.kind + " | " + stored + " |")
		for mode := range modes() {
			b.WriteString(" " + c.said(value, mode) + " |")
		}
		b.WriteString("\n")
	}
	b.WriteString("\n## What is lost or written otherwise\n\n")
	for i, reason := range c.reasons {
		writeItem(&b, fmt.Sprintf("%d. ", i+1), reason+".")
	}
	return b.String()
}

// writeItem writes an item of a list in lines of at most 120 columns.
func writeItem(b *strings.Builder, number, text string) {
	const columns = 120
	begin := number
	for len(begin)+len(text) > columns {
		at := strings.LastIndexByte(text[:columns-len(begin)+1], ' ')
		b.WriteString(begin + text[:at] + "\n")
		begin, text = strings.Repeat(" ", len(number)), text[at+1:]
	}
	b.WriteString(begin + text + "\n")
}

// said returns the text of a field of the table.
func (c *conformance) said(value string, mode int) string {
	snapshot, stream := c.number(c.lost[cell{value, mode, false}]), c.number(c.lost[cell{value, mode, true}])
	switch {
	case snapshot == 0 && stream == 0:
		return "ok"
	case snapshot == stream:
		return fmt.Sprintf("both: %d", snapshot)
	case stream == 0:
		return fmt.Sprintf("snapshot: %d", snapshot)
	case snapshot == 0:
		return fmt.Sprintf("stream: %d", stream)
	}
	return fmt.Sprintf("snapshot: %d, stream: %d", snapshot, stream)
}

// number returns the number of a reason, 0 for an empty one.
func (c *conformance) number(reason string) int {
	if reason == "" {
		return 0
	}
	at := slices.Index(c.reasons, reason)
	if at < 0 {
		at = len(c.reasons)
		c.reasons = append(c.reasons, reason)
	}
	return at + 1
}

// sourceColumn is a column as the recording's source declares it.
type sourceColumn struct{ table, name, kind string }

// sourceColumns reads the columns of the tables of types from the statements
// that made them, without their keys.
func sourceColumns(t *testing.T) []sourceColumn {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash("../../../testdata/corpus/types/before.sql"))
	if err != nil {
		t.Fatal(err)
	}
	var columns []sourceColumn
	for _, made := range regexp.MustCompile(`(?m)^create table fam\.(\w+) \((.*)\);`).FindAllStringSubmatch(string(text), -1) {
		for _, declared := range splitColumns(made[2]) {
			name, kind, _ := strings.Cut(declared, " ")
			if name != "id" && made[1] != "number_special" {
				columns = append(columns, sourceColumn{made[1], name, kind})
			}
		}
	}
	return columns
}

// splitColumns splits declarations at the commas between them, not at those of
// their types.
func splitColumns(text string) []string {
	var parts []string
	depth, from := 0, 0
	for i, r := range text {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			parts = append(parts, strings.TrimSpace(text[from:i]))
			from = i + 1
		}
	}
	return append(parts, strings.TrimSpace(text[from:]))
}
