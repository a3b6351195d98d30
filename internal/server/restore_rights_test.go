package server

import (
	"strings"
	"testing"
	"time"

	"metadb/internal/server/maintenance"
	"metadb/internal/testkit/pace"
)

// TestOwnerHoldsAGrant has an analyst revoke a granted right on her own table, and lock the
// table's catalog entry in an open transaction. Rights on other objects are restored, no batch
// waits, and the pauses for the object grow.
func TestOwnerHoldsAGrant(t *testing.T) {
	f := newTableFaultTest(t)
	owner, other := "holder_"+f.db.Name, "reader_"+f.db.Name
	for _, user := range []string{owner, other} {
		f.admin(t, "create user "+user+" with password 'x'")
	}
	f.exec(t, "CREATE TABLE "+owner+".t (id int); ALTER TABLE "+owner+".t OWNER TO "+owner)
	f.admin(t, "grant access on table "+owner+".t to "+other)
	f.admin(t, "grant access on table library.patron__ to "+other)
	f.stop(t) // stops its own restoration of rights

	s, _ := newKeeper(t, f.running)
	f.exec(t, "REVOKE SELECT ON library.patron__ FROM "+other)
	conn, err := f.db.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	defer func() { _, _ = conn.Exec(t.Context(), "ROLLBACK; RESET ROLE") }() // the connection returns to a pool
	for _, sql := range []string{"SET ROLE " + owner, "REVOKE SELECT ON " + owner + ".t FROM " + other, "BEGIN", "GRANT SELECT ON " + owner + ".t TO public"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}

	keeper, now := maintenance.NewRightsRestorer(s.database), time.Now()
	failed := make(chan error, 1)
	go func() { failed <- keeper.RestoreMissing(t.Context(), now) }()
	longest := time.Duration(0)
	for done := false; !done; {
		began := time.Now()
		s.tables.use.RLock()
		longest = max(longest, time.Since(began))
		s.tables.use.RUnlock()
		select {
		case err = <-failed:
			done = true
		default:
		}
	}
	if err == nil || !strings.Contains(err.Error(), owner+`"."t": `) || !strings.Contains(err.Error(), "lock timeout") {
		t.Errorf("got %v", err)
	}
	if longest > pace.Bound(300*time.Millisecond) {
		t.Errorf("a batch would have waited %s", longest)
	}
	f.awaitText(t, "SELECT has_table_privilege('"+other+"', 'library.patron__', 'SELECT')::text", "true")

	if err := keeper.RestoreMissing(t.Context(), now.Add(maintenance.RightsInterval-time.Second)); err != nil {
		t.Errorf("the object is tried again too soon: %v", err)
	}
	if err := keeper.RestoreMissing(t.Context(), now.Add(maintenance.RightsInterval)); err == nil {
		t.Error("the object is not tried again")
	}
	if err := keeper.RestoreMissing(t.Context(), now.Add(2*maintenance.RightsInterval)); err != nil {
		t.Errorf("the pause does not grow: %v", err)
	}
	if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := keeper.RestoreMissing(t.Context(), now.Add(3*maintenance.RightsInterval)); err != nil {
		t.Error(err)
	}
	f.awaitText(t, "SELECT has_table_privilege('"+other+"', '"+owner+".t', 'SELECT')::text", "true")
}

// TestAllGrantedAlone checks that "grant access on all" alone covers a table that is created
// later.
func TestAllGrantedAlone(t *testing.T) {
	f := newTableFaultTest(t)
	user := "all_" + f.db.Name
	f.admin(t, "create user "+user+" with password 'x'")
	f.admin(t, "grant access on all to "+user)
	f.stop(t) // stops its own restoration of rights

	s, _ := newKeeper(t, f.running)
	f.exec(t, "REVOKE SELECT ON library.patron__ FROM "+user) // as if the table was created after the grant
	if err := maintenance.NewRightsRestorer(s.database).RestoreMissing(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	f.awaitText(t, "SELECT has_table_privilege('"+user+"', 'library.patron__', 'SELECT')::text", "true")
}

// TestGrantThatIsNotGiven checks that the start logs the command that revokes a grant which can't
// be restored.
func TestGrantThatIsNotGiven(t *testing.T) {
	f := newTableFaultTest(t)
	user := "refused_" + f.db.Name
	f.admin(t, "create user "+user+" with password 'x'")
	f.exec(t, "INSERT INTO metadb.acl (schema_name, object_name, object_type, privilege, user_name) VALUES ('pg_catalog', 'pg_authid', 't', 'a', '"+user+"')",
		"GRANT SELECT ON pg_authid TO "+user)
	f.stop(t)
	r := f.start(t)
	revocation := `revoke access on table "pg_catalog"."pg_authid" from "` + user + `";`
	f.await(t, "say how the grant is taken back", func() error {
		return r.logged("can't be; what was given before stays until it is taken back: " + revocation)
	})
	r.admin(t, revocation)
	f.awaitText(t, "SELECT has_table_privilege('"+user+"', 'pg_authid', 'SELECT')::text", "false")
	f.exec(t, "DROP OWNED BY "+user, "DROP ROLE "+user)
}
