package scenario_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestReplayDocuments transforms the corpus' documents, agreeable and hostile, in
// batches of every size.
func TestReplayDocuments(t *testing.T) {
	for _, size := range batchSizes() {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			r := newReplay(t, "json_documents", size)
			var body strings.Builder
			for path, target := range map[string]string{
				"$": "t", "$.metadata": "metadata", "$.tags": "tags", "$.tags.tagList": "taglist", "$.identifiers": "identifiers", "$.identifiers.extra": "extra",
				"$.notes": "notes", "$.matrix": "matrix", "$.parts": "parts", "$.parts.sub": "sub", "$.parts.sub.leaf": "leaf",
			} {
				body.WriteString("create data mapping for json from table doc.record__ column jsonb path '" + path + "' to '" + target + "';\n")
			}
			if err := r.commands(t, datasourceOptions(t), body.String()); err != nil {
				t.Fatal(err)
			}
			r.follow(t, `^metadb_json_documents_1\.`, groupName, false)
			r.same(t)
			for query, want := range documentsWanted() {
				var lines []string
				columns, rest, _ := strings.Cut(query, " FROM ")
				for _, row := range r.texts(t, "SELECT concat_ws('|', "+columns+") AS line FROM "+rest) {
					lines = append(lines, *row["line"])
				}
				if got := strings.Join(lines, "\n"); got != want {
					t.Errorf("%s: got\n%s\nwant\n%s", query, got, want)
				}
			}
		})
	}
}

// documentsWanted returns the expected content of the transformed tables, as queries
// and answers. Record n has the id md5('n')::uuid.
func documentsWanted() map[string]string {
	return map[string]string{
		`title, copies, price, active, created_date, local_date, metadata__created_by_user_id, __current FROM doc.record__t__ WHERE __root__id = md5('1')::uuid ORDER BY __start, __id`: "" +
			"First|2|12.50|t|2024-01-01T10:00:00.000+00:00|2024-01-01 10:00:00|u1|f\n" +
			"First, revised|2|12.50|t|2024-01-01T10:00:00.000+00:00|2024-01-01 10:00:00|u1|t",
		`copies, http_status, i_ds, type, hash, "日本", "a b", "order", __current FROM doc.record__t__ WHERE __root__id = md5('2')::uuid`: "2.5|x|y|at|h|name|space|reserved|f",
		`title, big, exp = 1e400, neg, created_date, metadata, identifiers__value, __current FROM doc.record__t__ WHERE __root__id = md5('7')::uuid`: "" +
			"Seven|12345678901234567890.123456789|t|0.0|yesterday|not an object|object, not array|f",
		`string_agg(n, ' ' ORDER BY n) FROM doc.record__t JOIN unnest('{1,2,3,4,5,6,7}'::text[]) AS n ON md5(n)::uuid = __root__id`: "1 4 6",
		`__ord__taglist, taglist, __current FROM doc.record__taglist__ ORDER BY __root__id, __ord__taglist, __start, __id`:          "1|red|f\n1|green|t\n2|green|f\n2|blue|f\n3|3|f\n4|true|f",
		`__ord__identifiers, value, type_id, extra__deep, identifiers, __current FROM doc.record__identifiers__ ORDER BY __root__id, __ord__identifiers, __start, __id`: "" +
			"1|978-1|isbn|f\n2|0001|issn|1|f\n1|v|f\n3|scalar|f",
		`__ord__parts, name, __current FROM doc.record__parts__ ORDER BY __ord__parts`:                        "1|p1|f\n2|p2|f",
		`__ord__parts, __ord__sub, n, __current FROM doc.record__sub__ ORDER BY __ord__parts, __ord__sub`:     "1|1|1|f\n1|2|2|f",
		`__ord__parts, __ord__sub, __ord__leaf, leaf, __current FROM doc.record__leaf__ ORDER BY __ord__leaf`: "1|1|1|a|f\n1|1|2|b|f",
	}
}
