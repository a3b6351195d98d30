package server

import "testing"

// TestLogRetention checks that old lines of the log are deleted only if log_retention is set.
func TestLogRetention(t *testing.T) {
	i := install(t)
	r := i.start(t)
	sql := func(statement string) {
		t.Helper()
		if _, err := i.db.Pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	r.awaitText(t, "SELECT (count(*) > 0)::text FROM metadb.log", "true")
	sql("INSERT INTO metadb.log (log_time, error_severity, message) SELECT now() - d * interval '1 minute', 'INFO', 'old' FROM generate_series(0, 9) d")
	r.stop(t)
	r = i.start(t)
	r.awaitText(t, "SELECT count(*)::text FROM metadb.log WHERE message = 'old'", "10")
	r.admin(t, "alter system set log_retention = '290 seconds'")
	r.stop(t)
	r = i.start(t)
	r.awaitText(t, "SELECT count(*)::text FROM metadb.log WHERE message = 'old'", "5")
	r.admin(t, "alter system set log_retention = ''")
}
