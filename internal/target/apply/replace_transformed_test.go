package apply_test

import (
	"fmt"
	"testing"

	"metadb/internal/change"
)

// mappedRig returns a rig with a table of documents with mappings, one of them of an array. Its
// rows 1 to 20 have been updated, so that the rows of the next chunk are replaced.
func mappedRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.exec("INSERT INTO metadb.transform_json VALUES ('library', 'patron', 'v', '$', 't'), ('library', 'patron', 'v', '$.x', 'x')")
	for at := range change.Micros(2) {
		var events []change.Event
		for id := range int32(20) {
			events = append(events, documented(id+1, fmt.Sprintf(`{"a": %d, "x": ["k", %d]}`, at, at), 10+at))
		}
		r.apply(events...)
	}
	if !r.applier.ReplacesRows(patron) {
		t.Fatal("updates have not made the table one whose rows are exchanged")
	}
	return r
}

const transformedRows = `SELECT 't', __root__id, 0, a::text, extract(epoch FROM __start)::bigint, CASE WHEN __current THEN '-' ELSE extract(epoch FROM __end)::bigint::text END
		FROM library.patron__t__ WHERE __root__id < 3
	UNION ALL SELECT 'x', __root__id, __ord__x, x, extract(epoch FROM __start)::bigint, CASE WHEN __current THEN '-' ELSE extract(epoch FROM __end)::bigint::text END
		FROM library.patron__x__ WHERE __root__id < 3 ORDER BY 1, 2, 3, 5`

// TestReplaceTransformed checks that exactly the rows that differ end and begin, whatever rows the
// transformed tables have by mistake.
func TestReplaceTransformed(t *testing.T) {
	for name, c := range map[string]struct{ byHand, want string }{
		"as it should be": {
			want: "t 1 0 0 10 11\nt 1 0 1 11 20\nt 1 0 2 20 -\nt 2 0 0 10 11\nt 2 0 1 11 -\n" +
				"x 1 1 k 10 -\nx 1 2 0 10 11\nx 1 2 1 11 20\nx 2 1 k 10 -\nx 2 2 0 10 11\nx 2 2 1 11 -\nx 2 3 y 20 -",
		},
		"a row is missing": {
			byHand: "DELETE FROM library.patron__t__ WHERE __root__id = 1",
			want: "t 1 0 2 20 -\nt 2 0 0 10 11\nt 2 0 1 11 -\n" +
				"x 1 1 k 10 -\nx 1 2 0 10 11\nx 1 2 1 11 20\nx 2 1 k 10 -\nx 2 2 0 10 11\nx 2 2 1 11 -\nx 2 3 y 20 -",
		},
		"a row is there already": {
			byHand: "INSERT INTO library.patron__x__ (__start, __end, __current, __root__id, __ord__x, x) VALUES (to_timestamp(15), '9999-12-31Z', true, 2, 3, 'z')",
			want: "t 1 0 0 10 11\nt 1 0 1 11 20\nt 1 0 2 20 -\nt 2 0 0 10 11\nt 2 0 1 11 -\n" +
				"x 1 1 k 10 -\nx 1 2 0 10 11\nx 1 2 1 11 20\nx 2 1 k 10 -\nx 2 2 0 10 11\nx 2 2 1 11 -\nx 2 3 z 15 20\nx 2 3 y 20 -",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := mappedRig(t)
			if c.byHand != "" {
				r.exec(c.byHand)
			}
			r.apply(documented(1, `{"a": 2, "x": ["k"]}`, 20), documented(2, `{"a": 1e0, "x": ["k", 1, "y"]}`, 20))
			if got := r.rows(transformedRows); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
