package main

import (
	"fmt"
	"testing"
)

// TestTwoSources streams two data sources that both have a table library.patron: it belongs to
// the first. Grants cover tables that are created later or anew.
func TestTwoSources(t *testing.T) {
	l, step := newLostStream(t)
	loans := &library{t: t, producer: l.producer, name: "loan"}
	l.snapshot("metadb_sensor_1", map[int64]string{1: "a", 2: "b"})
	step.start()
	step.create()
	made := func(table string) {
		t.Helper()
		step.await("SELECT count(*) FROM metadb.base_table WHERE table_name = '"+table+"'", "[1]")
	}
	made("patron")
	step.await("SELECT count(*) FROM library.patron", "[2]")
	// Roles are shared by the cluster, which other tests use too.
	step.expect("create user two_sources with password 'p'", "")
	step.expect("grant access on all to two_sources", "")
	step.expect(fmt.Sprintf(`create data source other type kafka options (brokers '%s', security 'plaintext', topics '^other_1\.', consumer_group 'other_1')`, step.broker), "")
	loans.write("other_1", 'c', "", 1, "loan")
	l.write("other_1", 'c', "", 3, "another's")
	made("loan")
	step.await("SELECT count(*) FROM library.loan", "[1]")
	step.await("SELECT source_name, reason FROM metadb.rejected_event", `[other table library.patron belongs to data source "sensor"]`)
	step.log(`table library.patron belongs to data source "sensor"`)
	step.await("SELECT table_name, source_name FROM metadb.base_table ORDER BY table_name", "[loan other] [patron sensor]")

	// New tables can be read, and so can those created anew.
	const readable = `SELECT count(*) FROM pg_class c WHERE relnamespace = 'library'::regnamespace AND relname IN ('patron', 'patron__', 'loan', 'loan__', 'zzz___loan___2026')
		AND has_table_privilege('two_sources', c.oid, 'SELECT') AND has_schema_privilege('two_sources', 'library', 'USAGE')`
	step.await(readable, "[5]")
	step.expect("purge data drop table library.patron__", "")
	step.await("SELECT count(*) FROM pg_class WHERE relname LIKE '%patron%' AND relnamespace = 'library'::regnamespace", "[0]")
	l.write("metadb_sensor_1", 'u', "", 1, "again")
	made("patron")
	step.await("SELECT id, name FROM library.patron", "[1 again]")
	step.await(readable, "[5]")

	// Dropping a source keeps its tables; the other source continues.
	step.expect("drop data source sensor", `NOTICE: the tables of data source "sensor" are kept`)
	loans.write("other_1", 'c', "", 2, "loan")
	step.await("SELECT count(*) FROM library.loan", "[2]")
	step.await("SELECT id, name FROM library.patron", "[1 again]")
	step.expect("revoke access on all from two_sources", "")
	step.await(readable, "[0]")
	step.expect("drop user two_sources", `NOTICE: 1 object of user "two_sources" handed over to "metadb_retired": schema two_sources`)
	step.stop()
}
