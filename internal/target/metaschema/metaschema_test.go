package metaschema

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/pgtest"
)

func connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.New(t).ConnString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

// TestFilesAreNumbered checks that the files are numbered without gaps, so that a database's
// version identifies the files that it has.
func TestFilesAreNumbered(t *testing.T) {
	names, err := fs.Glob(schemaFiles, "sql/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		if prefix := fmt.Sprintf("sql/%03d_", i+1); !strings.HasPrefix(name, prefix) {
			t.Errorf("%s does not begin with %s", name, prefix)
		}
	}
}

func TestEnsureMakesTheSchemaOnce(t *testing.T) {
	ctx, conn := t.Context(), connect(t)
	if _, err := DatabaseVersion(ctx, conn); !errors.Is(err, ErrNoSchema) {
		t.Fatalf("empty database: got %v, want ErrNone", err)
	}
	for _, program := range []string{"v2.0.0", "v2.0.1"} {
		if err := Ensure(ctx, conn, program); err != nil {
			t.Fatal(err)
		}
		var answer string
		if err := conn.QueryRow(ctx, "SELECT mdbversion()").Scan(&answer); err != nil || answer != "Metadb "+program {
			t.Errorf("mdbversion: got %q, %v", answer, err)
		}
	}
	// The schema exists: nothing may be written.
	if _, err := conn.Exec(ctx, "SET default_transaction_read_only = on"); err != nil {
		t.Fatal(err)
	}
	if err := Ensure(ctx, conn, "v2.0.1"); err != nil {
		t.Error(err)
	}
	if from, to, err := Versions(ctx, conn); err != nil || from != to {
		t.Errorf("versions: got %d, %d, %v", from, to, err)
	}
	if err := Upgrade(ctx, conn, "v2.0.1"); err != nil {
		t.Error(err)
	}
}

// TestCompatibleColumns fixes the columns that queries of users read.
func TestCompatibleColumns(t *testing.T) {
	ctx, conn := t.Context(), connect(t)
	if err := Ensure(ctx, conn, "v2"); err != nil {
		t.Fatal(err)
	}
	for table, columns := range map[string]string{
		"base_table":     "schema_name, table_name, source_name, transformed, parent_schema_name, parent_table_name",
		"log":            "log_time, error_severity, message",
		"table_update":   "schema_name, table_name, last_update, elapsed_real_time",
		"source":         "name, enable, brokers, security, topics, consumer_group, schema_pass_filter, schema_stop_filter, table_stop_filter, trim_schema_prefix, add_schema_prefix, map_public_schema, module, sync",
		"origin":         "name",
		"transform_json": "schema_name, table_name, column_name, path, map",
		"config":         "parameter, value",
		"auth":           "username",
		"acl":            "schema_name, object_name, object_type, privilege, user_name",
		"maintenance":    "next_maintenance_time",
		"init":           "dbversion",
	} {
		var got string
		err := conn.QueryRow(ctx, `SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute
			WHERE attrelid = to_regclass('metadb.' || $1) AND attnum > 0`, table).Scan(&got)
		if err != nil || !strings.HasPrefix(got, columns) {
			t.Errorf("%s: got %q, %v; want it to begin with %q", table, got, err, columns)
		}
	}
}

func TestFunctions(t *testing.T) {
	ctx, conn := t.Context(), connect(t)
	if err := Ensure(ctx, conn, "v2"); err != nil {
		t.Fatal(err)
	}
	for _, year := range []int{2025, 2026, 2026} {
		if err := EnsureLogYear(ctx, conn, year); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Exec(ctx, `INSERT INTO metadb.auth VALUES ('ada');
		INSERT INTO metadb.log VALUES ('2025-12-31 23:59:59Z', 'INFO', 'old'), ('2026-01-01 00:00:00Z', 'INFO', 'newer')`); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"SELECT string_agg(username, ',') FROM mdbusers()":                           "ada",
		"SELECT string_agg(message, ',') FROM mdblog(interval '100 years')":          "old,newer",
		"SELECT count(*)::text FROM ps()":                                            "0",
		"SELECT string_agg(message, ',') FROM metadb.zzz___log___2025":               "old",
		"SELECT count(*)::text FROM mdblog() WHERE log_time < now() - interval '1d'": "0",
	} {
		var got string
		if err := conn.QueryRow(ctx, query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", query, got, err, want)
		}
	}
}

// TestLogYearBesideReaders checks that the next year's partition is created while an open
// transaction has read the log, and that the log can still be read and written.
func TestLogYearBesideReaders(t *testing.T) {
	ctx := t.Context()
	db := pgtest.New(t)
	conn, err := db.Pool.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if err := Ensure(ctx, conn.Conn(), "v2"); err != nil {
		t.Fatal(err)
	}
	if err := EnsureLogYear(ctx, conn, 2026); err != nil {
		t.Fatal(err)
	}
	reader, err := db.Pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Rollback(ctx) }()
	if _, err := reader.Exec(ctx, "SELECT count(*) FROM mdblog()"); err != nil {
		t.Fatal(err)
	}
	for _, year := range []int{2027, 2027} {
		if err := EnsureLogYear(ctx, conn, year); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Exec(ctx, "SET lock_timeout = '1s'; SELECT count(*) FROM mdblog(); INSERT INTO metadb.log VALUES ('2027-01-01 00:00:00Z', 'INFO', 'new')"); err != nil {
		t.Error(err)
	}
	const attached = `SELECT count(*) FROM pg_index i JOIN pg_inherits h ON h.inhrelid = i.indexrelid WHERE i.indrelid = 'metadb.zzz___log___2027'::regclass`
	var indexes int
	if err := conn.QueryRow(ctx, attached).Scan(&indexes); err != nil || indexes != 1 {
		t.Errorf("the partition has %d of the log's indexes, %v", indexes, err)
	}
}

func TestOtherVersions(t *testing.T) {
	ctx := t.Context()
	want, err := ProgramVersion()
	if err != nil {
		t.Fatal(err)
	}
	for version, says := range map[int]string{27: "Metadb 1.4", want + 1: "install a newer Metadb"} {
		conn := connect(t)
		if _, err := conn.Exec(ctx, "CREATE SCHEMA metadb; CREATE TABLE metadb.init (dbversion integer)"); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(ctx, "INSERT INTO metadb.init VALUES ($1)", version); err != nil {
			t.Fatal(err)
		}
		err := Ensure(ctx, conn, "v2")
		var other *VersionError
		if !errors.As(err, &other) || !strings.Contains(err.Error(), says) {
			t.Errorf("version %d: got %v, want an error with %q", version, err, says)
		}
	}
}
