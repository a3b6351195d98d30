package datasource_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/datasource"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/pgtest"
)

// TestStore stores, changes, reads back and removes data sources.
func TestStore(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, pgtest.New(t).ConnString)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if err := metaschema.Ensure(ctx, conn, "test"); err != nil {
		t.Fatal(err)
	}
	o := valid()
	for _, key := range datasource.Names() {
		if _, ok := o.Get(key); !ok {
			value := map[string]string{"sasl_mechanism": "plain", "module": "folio", "rejected_limit": "7", "silence_warning": "1 h", "heartbeat_table": "a.b", "sasl_password_file": "/x/sasl_password", "sasl_password_env": "METADB_SASL_X"}[key]
			if value == "" {
				value = "value_" + key
			}
			if err := o.Set(key, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	other := datasource.New(`O'"Hara`)
	want(t, datasource.Insert(ctx, conn, o), nil)
	want(t, datasource.Insert(ctx, conn, o), datasource.ErrExists)
	want(t, datasource.Insert(ctx, conn, other), nil)
	var mode int
	if err := conn.QueryRow(ctx, "select sync from metadb.source where name = 'sensor'").Scan(&mode); err != nil || mode != 1 {
		t.Errorf("mode %d, %v: want initial synchronization", mode, err)
	}
	loaded, err := datasource.Load(ctx, conn, "sensor")
	if err != nil || *loaded != *o {
		t.Errorf("loaded %+v, %v", loaded, err)
	}
	o.Topics, o.Enable, o.SASLPassword = "^c", false, ""
	want(t, datasource.Update(ctx, conn, o), nil)
	want(t, datasource.Update(ctx, conn, datasource.New("none")), datasource.ErrNotExist)
	all, err := datasource.LoadAll(ctx, conn)
	if err != nil || len(all) != 2 || *all[0] != *other || *all[1] != *o {
		t.Errorf("all %+v, %v", all, err)
	}
	want(t, datasource.Delete(ctx, conn, "sensor"), nil)
	want(t, datasource.Delete(ctx, conn, "sensor"), datasource.ErrNotExist)
	_, err = datasource.Load(ctx, conn, "sensor")
	want(t, err, datasource.ErrNotExist)
}

func want(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}
