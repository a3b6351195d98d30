//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/corpus"
	"metadb/internal/testkit/pace"
)

// marker is a table at the source: when a row of it has arrived, all earlier changes have.
const marker = "CREATE TABLE public.marker (id integer PRIMARY KEY)"

// corpusScript returns a file of the corpus without the statements that need PostGIS.
func corpusScript(t *testing.T, scenario, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "corpus", scenario, name))
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.ReplaceAll(string(text), " create extension postgis;", "")
	return regexp.MustCompile(`(?m)^(create table|insert into|update) fam\.shape (.|\n)*?;$`).ReplaceAllString(plain, "")
}

// feed runs a script at the source with psql, each statement in its own transaction, and
// returns unaligned rows without headers.
func (s *source) feed(t *testing.T, text string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", s.cluster.URL(s.database))
	command.Stdin = strings.NewReader(text)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("source: %v: %s\n%s", err, out, text)
	}
	return string(out)
}

// TestValues streams the statements of the recordings types, toast and schema_change, and
// compares every value with the source's.
func TestValues(t *testing.T) {
	t.Parallel()
	scenarios := []string{"types", "toast", "schema_change"}
	s, m := startStack(t), install(t)
	s.source.exec(t, marker)
	for _, scenario := range scenarios {
		s.source.feed(t, corpusScript(t, scenario, "before.sql"))
	}
	s.connect.createConnector(t, "metadb_values_1", s.source.connector("metadb_values_1"))
	m.start(t)
	m.psql(t, fmt.Sprintf(`create data source sensor type kafka options (brokers '%s', security 'plaintext',
		topics '^metadb_values_1\.', consumer_group 'metadb_values_1', map_public_schema 'marks')`, s.broker))
	m.awaitLog(t, 0, `source "sensor" snapshot complete (last record received); consider running "metadb endsync"`)
	marks := 0
	arrived := func() {
		marks++
		s.source.exec(t, fmt.Sprintf("INSERT INTO public.marker VALUES (%d)", marks))
		eventually(t, pace.Hang, "what the source did arrives", func() error {
			var seen bool
			err := m.pool.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM marks.marker WHERE id = $1)", marks).Scan(&seen)
			if err == nil && !seen {
				err = fmt.Errorf("mark %d has not arrived", marks)
			}
			return err
		})
	}
	for _, scenario := range scenarios[:2] {
		s.source.feed(t, corpusScript(t, scenario, "after.sql"))
		arrived()
	}
	// One change of a table at a time: several at once stop the connector.
	for line := range strings.Lines(corpusScript(t, "schema_change", "after.sql")) {
		if !strings.HasPrefix(line, "--") {
			s.source.feed(t, line)
			arrived()
		}
	}
	// A new topic is found after a while.
	eventually(t, pace.Hang, "the table that was created last arrives", func() error {
		var there bool
		err := m.pool.QueryRow(t.Context(), "SELECT to_regclass('s.created_later') IS NOT NULL").Scan(&there)
		if err == nil && !there {
			err = fmt.Errorf("there is no such table")
		}
		return err
	})
	if n := value[int](t, m, "SELECT count(*)::int FROM metadb.rejected_event"); n != 0 {
		t.Errorf("%d events were rejected", n)
	}
	compareValues(t, s.source, m, scenarios)
}

// compareValues compares every value of the source's tables. Each difference must be a loss
// that the recordings have, and each of the types' losses must occur.
func compareValues(t *testing.T, s *source, m *metadb, scenarios []string) {
	t.Helper()
	seen := map[corpus.Loss]bool{}
	losses := corpus.StoredLosses()
	explained := func(value string) bool {
		for _, scenario := range scenarios {
			if at := slices.IndexFunc(losses, func(l corpus.Loss) bool { return l.Explains(scenario, value) }); at >= 0 {
				seen[losses[at]] = true
				return true
			}
		}
		return false
	}
	tables, err := queryTexts(t.Context(), s.pool, `SELECT table_schema, table_name FROM information_schema.tables
		WHERE table_schema IN ('fam', 'big', 's') AND table_type = 'BASE TABLE' ORDER BY 1, 2`)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		name := pgx.Identifier(table)
		want, stored := documents(t, s, name), kinds(t, m, name)
		for id, row := range want {
			got := m.rows(t, "SELECT to_jsonb(row_)::text FROM (SELECT "+asText(stored)+" FROM "+name.Sanitize()+" WHERE id = $1::int) row_", id)
			if len(got) != 1 {
				t.Errorf("%s %s: %d rows", name, id, len(got))
				continue
			}
			var values map[string]*string
			if err := json.Unmarshal([]byte(got[0][0]), &values); err != nil {
				t.Fatal(err)
			}
			for column, source := range row {
				text := source.text
				if stored[column] == "jsonb" && text != nil {
					text = canonical(t, m, source.document)
				}
				value := values[column]
				if (text == nil) != (value == nil) || text != nil && *text != *value {
					if what := table[0] + "." + table[1] + " " + column; !explained(what) {
						t.Errorf("%s of row %s: got %s, want %s", what, id, shown(value), shown(text))
					}
				}
			}
		}
	}
	for _, loss := range losses {
		if loss.Scenario == "types*" && !strings.HasPrefix(loss.Value, "fam.shape") && !seen[loss] {
			t.Errorf("%s does not differ any more (%s)", loss.Value, loss.Reason)
		}
	}
}

// sourceValue is a value as its cast to text and as row_to_json print it.
type sourceValue struct {
	text     *string
	document string
}

// documents returns the source's rows of a table by their id.
func documents(t *testing.T, s *source, table pgx.Identifier) map[string]map[string]sourceValue {
	t.Helper()
	columns, err := columnsOf(t.Context(), s.pool, table)
	if err != nil {
		t.Fatal(err)
	}
	cast := map[string]string{}
	for _, column := range columns {
		cast[column] = "text"
	}
	rows, err := queryTexts(t.Context(), s.pool, "SELECT id::text, (SELECT row_to_json(cast_)::text FROM (SELECT "+asText(cast)+") cast_), row_to_json(row_)::text FROM "+
		table.Sanitize()+" row_")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]map[string]sourceValue{}
	for _, row := range rows {
		var printed map[string]*string
		var document map[string]json.RawMessage
		if err := json.Unmarshal([]byte(row[1]), &printed); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(row[2]), &document); err != nil {
			t.Fatal(err)
		}
		values := map[string]sourceValue{}
		for column, text := range printed {
			values[column] = sourceValue{text, string(document[column])}
		}
		found[row[0]] = values
	}
	return found
}

// kinds returns the types of the target's columns.
func kinds(t *testing.T, m *metadb, table pgx.Identifier) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, row := range m.rows(t, `SELECT column_name::text, data_type::text FROM information_schema.columns
		WHERE table_schema = $1 AND table_name = $2`, table[0], table[1]) {
		if !slices.Contains(metadata, row[0]) {
			found[row[0]] = row[1]
		}
	}
	return found
}

// asText returns a list of columns, each cast to text.
func asText(columns map[string]string) string {
	var list []string
	for column := range columns {
		name := pgx.Identifier{column}.Sanitize()
		list = append(list, name+"::text AS "+name)
	}
	return strings.Join(list, ", ")
}

// canonical returns a document as PostgreSQL prints it, or unchanged if jsonb can't hold it.
func canonical(t *testing.T, m *metadb, document string) *string {
	t.Helper()
	var text string
	if err := m.pool.QueryRow(t.Context(), "SELECT $1::jsonb::text", document).Scan(&text); err != nil {
		return &document
	}
	return &text
}

func shown(text *string) string {
	if text == nil {
		return "NULL"
	}
	return fmt.Sprintf("%.80q", *text)
}
