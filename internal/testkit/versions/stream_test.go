package versions

import (
	"fmt"
	"time"

	"metadb/internal/testkit/eventgen"
)

// update, insert and remove return streamed changes.
func update(row ...any) eventgen.Change { return eventgen.Change{Op: 'u', Row: row} }
func insert(row ...any) eventgen.Change { return eventgen.Change{Op: 'c', Row: row} }
func remove(row ...any) eventgen.Change { return eventgen.Change{Op: 'd', Row: row} }

// remark is a column that is added to circulation.fee after the dump.
var remark = eventgen.Column{Name: "remark", Kind: eventgen.Text}

// streamOn starts the server and writes the first changes after the dump to the sources "circ"
// and "acq": changes of old keys, deletes, new keys, a new column.
func (u *upgraded) streamOn() {
	u.t.Helper()
	ctx := u.t.Context()
	u.runStep(func() error { return u.m.Start(ctx) })
	s := newConnectorStream(circulationPrefix, 20000).setTime(2026, 7, 1)
	u.writeChanges(ctx, s,
		tableChange{"fee", update(int64(1), "12", []byte("paid twice"))},
		tableChange{"fee", remove(int64(5), nil, nil)},
		tableChange{"fee", insert(int64(6), "60", nil)})
	s.addColumn("fee", remark)
	u.writeChanges(ctx, s, tableChange{"fee", update(int64(2), "20.00", []byte{0, 2, 255}, "new column")})
	u.awaitResult(ctx, "SELECT count(*)::text FROM circulation.fee WHERE remark = 'new column'", "1")
	u.awaitResult(ctx, "SELECT string_agg(id || '=' || amount, ' ' ORDER BY id) FROM circulation.fee", "1=12 2=20.00 3=30.00 4=40.00 6=60")
	u.must()
	u.expect("SELECT id, amount::text, __start::text, __end::text FROM circulation.fee__ WHERE id IN (1, 5) AND NOT __current ORDER BY id, __start",
		"1 10.00 2025-07-01 12:00:00+00 2026-02-01 12:00:01+00",
		"1 11.000 2026-02-01 12:00:01+00 2026-07-01 12:00:01+00",
		"5 50.00 2025-07-01 12:00:00+00 2026-07-01 12:00:02+00")

	u.writeChanges(ctx, newConnectorStream(acquisitionPrefix, 20000).setTime(2026, 7, 2), tableChange{"invoice", insert(int64(4), "Vendor 4")})
	u.awaitResult(ctx, "SELECT string_agg(id || '=' || vendor, ' ' ORDER BY id) FROM acquisition.invoice", "1=Vendor 1 2=Vendor 2 3=Vendor 3 4=Vendor 4")
	u.must()
	u.expect("SELECT kind FROM metadb.rejected_event ORDER BY id", "record", "record", "waits")
	u.runCommands(ctx, "purge rejected events for data source acq")
	u.awaitResult(ctx, "SELECT count(*)::text FROM metadb.rejected_event", "0")
	u.must()
}

// endTable ends the synchronization of circulation.fee, with the confirmations of the dump and
// of later records.
func (u *upgraded) endTable() {
	u.t.Helper()
	ctx := u.t.Context()
	s := newConnectorStream(circulationPrefix, 5000).setTime(2026, 6, 2)
	s.addColumn("fee", remark)
	u.writeChanges(ctx, s, tableChange{"fee", eventgen.Change{Op: 'r', Snapshot: "incremental", Row: []any{int64(4), "40.00", []byte{0, 4, 255}, nil}}})
	u.awaitResult(ctx, `SELECT string_agg(f.id::text, ' ' ORDER BY f.id) FROM circulation.fee f JOIN circulation.zzz___fee___sync USING (__id)`, "1 2 3 4 6")
	u.runCommands(ctx, "endsync table circulation.fee__ with (force_unconfirmed)")
	u.awaitResult(ctx, "SELECT string_agg(id::text, ' ' ORDER BY id) FROM circulation.fee", "1 2 3 4 6")
	u.must()
}

// rest returns the part of the snapshot that the second connector of "sensor" had not sent yet.
// Patrons 1 and 3 and item 1 are confirmed already; patrons 2 and 70 and item 6 have been
// deleted.
func rest() []tableChange {
	var rest []tableChange
	for n := 2; n <= 5; n++ {
		rest = append(rest, tableChange{"item", snapshotRow(itemID(n), itemDocument(n, 1), "A")})
	}
	for n := 1; n <= 6; n++ {
		rest = append(rest,
			tableChange{"loan", snapshotRow(int64(n), itemID(n), time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), int64(100+n))},
			tableChange{"east", snapshotRow(itemID(n), itemDocument(n, 1), "E")},
			tableChange{"order line", snapshotRow(int64(n)<<40, 0.1*float64(n))},
			tableChange{"long", snapshotRow(int64(n), n%2 == 0)})
	}
	rest = append(rest, tableChange{"note", snapshotRow("note-9", "After the truncate")})
	for n := 4; n <= 6; n++ {
		rest = append(rest, tableChange{"patron", snapshotRow(int64(n), fmt.Sprintf("Patron %d", n), fmt.Sprintf("%d.50", n), nil)})
	}
	rest[len(rest)-1].change.Snapshot = "last"
	return rest
}

// endSource completes the snapshot of "sensor" and ends its synchronization.
func (u *upgraded) endSource() {
	u.t.Helper()
	ctx := u.t.Context()
	u.writeChanges(ctx, newConnectorStream(secondSensor, 10000).setTime(2026, 6, 1), rest()...)
	u.awaitLog(ctx, `source "sensor" snapshot complete (last record received); consider running "metadb endsync"`)
	u.runStep(func() error { return u.m.Stop(ctx) })
	u.runStep(func() error { return u.m.Start(ctx) })
	u.runCommands(ctx, "endsync data source sensor with (force_unconfirmed)")
	u.awaitResult(ctx, "SELECT sync::text FROM metadb.source WHERE name = 'sensor'", "0")
	u.awaitResult(ctx, "SELECT string_agg(id::text, ' ' ORDER BY id) FROM library.patron", "1 3 4 5 6")
	u.must()
	u.expect("SELECT count(*) FROM metadb.resync", "0")
	u.expect("SELECT name FROM library.patron WHERE id = 3", "Patron 3 renamed")
	u.expect("SELECT name, (__end > now() - interval '1 hour')::text FROM library.patron__ WHERE id IN (2, 70) ORDER BY id, __start, __id",
		"Patron 2 false", "Patron 2 again true", "Patron 70 true")
	u.expect("SELECT __origin, count(*) FROM library.item GROUP BY 1 ORDER BY 1", "5", "east 6")
	u.expect("SELECT __origin, count(*) FROM library.item__t WHERE __current GROUP BY 1 ORDER BY 1", "5", "east 6")
	u.expect("SELECT count(*) FROM library.item__tags WHERE __current", "22")
	u.expect(`SELECT count(*) FROM library."Order Line"`, "6")
	u.expect("SELECT count(*) FROM library."+LongName, "6")
}

// streamAfter writes ordinary changes after the synchronization to tables of the old layout: a
// document with a new field, and a truncate.
func (u *upgraded) streamAfter() {
	u.t.Helper()
	ctx := u.t.Context()
	u.writeChanges(ctx, newConnectorStream(secondSensor, 30000).setTime(2026, 8, 1),
		tableChange{"item", update(itemID(1), `{"title": "New", "isbn": "9", "tags": []}`, "A")},
		tableChange{"loan", eventgen.Change{Op: 't'}},
		tableChange{"note", update("note-9", "Later")})
	u.awaitResult(ctx, "SELECT body FROM library.note", "Later")
	u.awaitResult(ctx, "SELECT count(*)::text FROM library.loan", "0")
	u.awaitResult(ctx, "SELECT isbn FROM library.item__t WHERE __root__id = '"+itemID(1)+"' AND __origin = ''", "9")
	u.awaitResult(ctx, "SELECT count(*)::text FROM library.item__tags", "20")
	u.must()
}

// rights checks that the users have the privileges of before the upgrade.
func (u *upgraded) rights() {
	u.t.Helper()
	u.expect(`SELECT u, t FROM unnest(array['anna', 'ben', 'carl', 'Dora D.']) u, unnest(array['library.patron', 'library.item__t', 'circulation.fee__', 'acquisition.invoice']) t
		WHERE has_table_privilege(u, t, 'SELECT') AND has_schema_privilege(u, split_part(t, '.', 1), 'USAGE') ORDER BY u, t`,
		"anna acquisition.invoice", "anna circulation.fee__", "anna library.item__t", "anna library.patron",
		"ben circulation.fee__", "ben library.patron")
	u.expect("SELECT username FROM metadb.auth WHERE access_all", "anna")
	u.expect("SELECT schema_name, object_name, object_type, privilege, user_name FROM metadb.acl ORDER BY object_name",
		"circulation fee__ t a ben", "public mdblog(interval) f a ben", "library patron__ t a ben")
	u.expect(`SELECT has_function_privilege('ben', 'mdblog(interval)', 'EXECUTE'), has_table_privilege('anna', 'metadb.log', 'SELECT')`, "true true")
}
