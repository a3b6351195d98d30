package scenario_test

import (
	"fmt"
	"slices"
	"testing"

	"metadb/internal/route"
	"metadb/internal/testkit/corpus"
	"metadb/internal/testkit/pgtest"
)

// replayed lists the recordings for the comparison of values; the others have tests
// of their own.
func replayed() []string {
	return []string{
		"types", "types_connect_string", "types_iso", "types_nano", "types_debezium_2_7",
		"numeric_special", "numeric_special_double", "numeric_special_string", "null_defaults", "toast", "toast_types",
		"keys", "names", "schema_change", "incremental", "truncates_messages", "json_documents", "filters_origins",
	}
}

// TestReplayValues replays recordings through a broker and the whole data path,
// and compares every stored value with the source's. The differences must be
// exactly those of corpus.StoredLosses.
func TestReplayValues(t *testing.T) {
	pgtest.SkipShort(t)
	known := corpus.StoredLosses()
	for _, size := range batchSizes() {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			found := map[corpus.Loss]int{}
			for _, name := range replayed() {
				t.Run(name, func(t *testing.T) {
					r := newReplay(t, name, size)
					if name == "filters_origins" {
						r.router = tenants(t)
					}
					r.follow(t, `^metadb_`, groupName, false)
					for value, n := range r.differences(t) {
						at := slices.IndexFunc(known, func(l corpus.Loss) bool { return l.Explains(name, value) })
						if at < 0 {
							t.Errorf("%s differs %d times", value, n)
							continue
						}
						found[known[at]] += n
					}
					if t.Failed() {
						r.explain(t)
					}
				})
			}
			for _, loss := range known {
				if found[loss] != loss.Count {
					t.Errorf("%s %s: %d values differ, not %d (%s)", loss.Scenario, loss.Value, found[loss], loss.Count, loss.Reason)
				}
			}
		})
	}
}

// tenants routes the schemas of the recording of several tenants.
func tenants(t *testing.T) *route.Router {
	t.Helper()
	options := datasourceOptions(t)
	for key, value := range map[string]string{
		"schema_stop_filter": "^admin", "table_stop_filter": `\.tmp_`, "map_public_schema": "notes", "add_schema_prefix": "folio_",
	} {
		if err := options.Set(key, value); err != nil {
			t.Fatal(err)
		}
	}
	r := router(t, options)
	r.SetOrigins([]string{"east", "west"})
	return r
}
