package apply_test

import (
	"testing"

	"metadb/internal/change"
)

// TestPositionsAreBounded checks that only the positions of the last batches are kept for each
// table of a topic with one partition, also where batches have changes of several tables.
func TestPositionsAreBounded(t *testing.T) {
	r := newRig(t)
	loan := change.Table{Schema: "library", Name: "loan"}
	lend := func(at change.Micros) change.Event {
		e := alone(put(1, "a", at))
		e.Source, e.Table = loan, loan
		return e
	}
	r.apply(alone(put(1, "a", 1)), lend(1))
	r.exec(`INSERT INTO metadb.row_position (source_name, schema_name, table_name, topic, last_at, last_lsn, ids, lsns, times, again)
		SELECT source_name, schema_name, table_name, topic, last_at, last_lsn, ids, lsns, times, again FROM metadb.row_position, generate_series(1, 2000)`)
	for at := range change.Micros(600) {
		r.apply(alone(put(1, "a", at+2)), lend(at+2))
	}
	if got, want := r.rows("SELECT table_name, count(*) BETWEEN 1000 AND 1600 FROM metadb.row_position GROUP BY 1 ORDER BY 1"), "loan true\npatron true"; got != want {
		t.Errorf("of each table at most 1600 are kept: got\n%s\nwant\n%s", got, want)
	}
}
