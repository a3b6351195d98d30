package server

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestSchemaOfUser checks that a registered user with the name of a source's schema gets no rows
// of the source, whatever the user grants, and that the source writes to no table of another
// owner.
func TestSchemaOfUser(t *testing.T) {
	i, feed := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, "create user library with password 'x'")
	t.Cleanup(func() { // roles are shared by the cluster
		for _, sql := range []string{"DROP OWNED BY library CASCADE", "DROP ROLE library"} {
			if _, err := i.db.Pool.Exec(context.WithoutCancel(t.Context()), sql); err != nil {
				t.Log(err)
			}
		}
	})
	config, err := pgx.ParseConfig(i.db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	config.User = "library"
	analyst, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = analyst.Close(t.Context()) }()
	if _, err := analyst.Exec(t.Context(), "GRANT CREATE, USAGE ON SCHEMA library TO mdbadmin"); err != nil {
		t.Fatal(err)
	}
	r.admin(t, feed.source())
	feed.change('c', 1, "Ada", "")
	r.awaitText(t, "SELECT string_agg(reason, ',') FROM metadb.rejected_event", `schema library belongs to role "library", and not to Metadb's system user`)
	r.awaitText(t, "SELECT count(*)::text FROM pg_class WHERE relnamespace = 'library'::regnamespace", "0")
	r.awaitLog(t, `WARNING:  source "sensor": not applied: table library.patron: schema library belongs to role "library", and not to Metadb's system user`)
	// The name alone is sufficient.
	if _, err := analyst.Exec(t.Context(), "DROP SCHEMA library"); err != nil {
		t.Fatal(err)
	}
	feed.change('c', 2, "Eve", "")
	r.awaitText(t, "SELECT reason FROM metadb.rejected_event ORDER BY id DESC LIMIT 1", "schema library has the name of a registered user")

	// The source can use the name after the user is deregistered.
	r.admin(t, "deregister user library")
	feed.change('c', 3, "Ida", "")
	r.awaitText(t, current, "3=Ida")
	r.admin(t, "register user library")
	for command, user := range map[string]string{"create schema for user library": "library", "create user reshare_derived with password 'x'": "reshare_derived"} {
		if got := r.refused(t, command); got != `user "`+user+`" has the name of a schema that Metadb copies or makes HINT ` {
			t.Errorf("%s: %s", command, got)
		}
	}
	feed.change('u', 3, "Isa", "")
	r.awaitText(t, current, "3=Isa")

	// A table of another owner in the place of Metadb's is not written to.
	if _, err := i.db.Pool.Exec(t.Context(), "ALTER TABLE library.patron OWNER TO library"); err != nil {
		t.Fatal(err)
	}
	r.stop(t)
	r = i.start(t)
	feed.change('u', 3, "Eva", "")
	r.awaitState(t, "error", `"library"."patron" belongs to role "library", and not to Metadb's system user`)
	if _, err := i.db.Pool.Exec(t.Context(), "ALTER TABLE library.patron OWNER TO mdbadmin"); err != nil {
		t.Fatal(err)
	}
	r.awaitText(t, current, "3=Eva")
}
