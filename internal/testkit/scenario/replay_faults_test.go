package scenario_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"metadb/internal/testkit/corpus"
)

// faultCase is a recording of a fault that was found from outside, and the right
// tables.
type faultCase struct {
	name, commands string
	// want are queries and their answers, a row a line.
	want map[string]string
	// refused is the number of rejected events; each has a warning.
	refused int
}

func faultCases() []faultCase {
	return []faultCase{
		{
			name: "01_jsonb_key_forms",
			want: map[string]string{
				"SELECT concat_ws('|', k, v, __current) AS line FROM lib.tag__ ORDER BY __start":    `{"a": "1", "b": "2"}|a|f` + "\n" + `{"a": "1", "b": "2"}|b|f` + "\n" + `{"a": "1", "b": "2"}|c|t`,
				"SELECT concat_ws('|', id, v, __current) AS line FROM lib.other__ ORDER BY __start": "1|x|t",
			},
		},
		{
			name:     "02_json_field_ctid",
			commands: "create data mapping for json from table lib.item__ column doc path '$' to 't';",
			want: map[string]string{
				"SELECT concat_ws('|', id, doc->>'name', doc->>'ctid', __current) AS line FROM lib.item__ ORDER BY id": "1|ladder|CT-17|t\n2|rope|t",
				"SELECT concat_ws('|', __root__id, name, ctid_478unpcj, __current) AS line FROM lib.item__t__ ORDER BY __root__id": "" +
					"1|ladder|CT-17|t\n2|rope|t",
			},
		},
		{
			name: "05_wide_1595", refused: 3,
			want: map[string]string{"SELECT coalesce(to_regclass('lib.wide__')::text, 'none') AS line": "none"},
		},
		{
			name: "08_encoding",
			want: map[string]string{
				"SELECT concat_ws('|', id, v, doc, __current) AS line FROM lib.name__ ORDER BY id": "1|plain|{}|t\n" + `2|plain|{"city": "東京"}|t` + "\n3|plain too|{}|t",
			},
		},
		{
			name: "13_key_null_schema",
			want: map[string]string{"SELECT concat_ws('|', id, v, __current) AS line FROM lib.k__": "1|x|t"},
		},
	}
}

// TestReplayFaults replays the records of reported faults, as they were given, through a
// broker and the whole data path.
func TestReplayFaults(t *testing.T) {
	for _, size := range []int{1, 7, 1_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			for _, c := range faultCases() {
				t.Run(c.name, func(t *testing.T) { c.replay(t, size) })
			}
		})
	}
}

func (c *faultCase) replay(t *testing.T, size int) {
	r := newReplayOf(t, c.name, corpus.Records(t, filepath.Join("testdata", "faults", c.name+".jsonl.gz")), size)
	if c.commands != "" {
		if err := r.commands(t, datasourceOptions(t), c.commands); err != nil {
			t.Fatal(err)
		}
	}
	r.follow(t, `^bh`, groupName, false)
	for query, want := range c.want {
		if got := r.answer(t, query); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", query, got, want)
		}
	}
	if got, want := r.answer(t, "SELECT count(*)::text AS line FROM metadb.rejected_event"), strconv.Itoa(c.refused); got != want {
		t.Errorf("%s events are set aside, not %s", got, want)
	}
	if got := r.log.text(); (len(got) > 0) != (c.refused > 0) {
		t.Errorf("warnings: %q", got)
	}
}

// answer returns the column line of a query's rows, a row a line.
func (r *replay) answer(t *testing.T, query string) string {
	t.Helper()
	var lines []string
	for _, row := range r.texts(t, query) {
		lines = append(lines, *row["line"])
	}
	return strings.Join(lines, "\n")
}
