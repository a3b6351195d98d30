package history_test

import (
	"strings"
	"testing"

	"metadb/internal/change"
)

// TestForeignRelation: a relation that somebody else has made stands in the way of
// a table, whose events are set aside; other tables go on. When it is gone, they are
// retried.
func TestForeignRelation(t *testing.T) {
	for _, foreign := range []string{"VIEW library.patron AS SELECT 1 AS one", "TABLE library.patron__ (x integer)"} {
		r := newRig(t)
		if _, err := r.db.Pool.Exec(t.Context(), "CREATE SCHEMA library; CREATE "+foreign); err != nil {
			t.Fatal(err)
		}
		other := put(1, "x", 10)
		other.Table.Name, other.Source.Name = "item", "item"
		out := r.apply(recorded("1", put(1, "a", 10)), other, recorded("1", put(1, "b", 20)))
		if out.Applied != 1 || out.Rejected != 2 || len(out.Refusals) != 1 || !strings.Contains(out.Refusals[0], "is not Metadb's") {
			t.Errorf("%s: %+v", foreign, out)
		}
		if got := r.rows("SELECT id, v FROM library.item"); got != "1 x" {
			t.Errorf("%s: the other table has %s", foreign, got)
		}
		kind, name, _ := strings.Cut(strings.Join(strings.Fields(foreign)[:2], " "), " ")
		if _, err := r.db.Pool.Exec(t.Context(), "DROP "+kind+" "+name); err != nil {
			t.Fatal(err)
		}
		whole := map[int64]change.Event{0: recorded("1", put(1, "a", 10)), 2: recorded("1", put(1, "b", 20))}
		if out := r.retry(whole); out.Rejected != 0 {
			t.Errorf("%s: %+v", foreign, out)
		}
		if got := r.versions(); got != "1 a 10 20\n1 b 20 -" {
			t.Errorf("%s: got %s", foreign, got)
		}
	}
}
