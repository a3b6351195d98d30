package metaschema

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
)

//go:embed sql/*.sql
var schemaFiles embed.FS

// firstVersion is the database version after the first file. It is far above the versions of Metadb
// 1.4, so that the two are never confused.
const firstVersion = 1001

// VersionError is the error for a database that has another version than this program.
type VersionError struct {
	Database, Program int
}

func (e *VersionError) Error() string {
	switch {
	case e.Database < firstVersion:
		return fmt.Sprintf("the database belongs to Metadb 1.4 or older (database version %d): "+
			"moving it over is not in this version; use an empty database", e.Database)
	case e.Database < e.Program:
		return fmt.Sprintf("the database has version %d, this program needs %d: run \"metadb upgrade\"", e.Database, e.Program)
	}
	return fmt.Sprintf("the database has version %d, newer than this program's %d: install a newer Metadb", e.Database, e.Program)
}

// ProgramVersion returns the database version that this program needs.
func ProgramVersion() (int, error) {
	names, err := fs.Glob(schemaFiles, "sql/*.sql")
	if err != nil {
		return 0, fmt.Errorf("list schema files: %w", err)
	}
	return firstVersion - 1 + len(names), nil
}

// Querier is the interface that reading the version needs: a connection, pool or transaction.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// ErrNoSchema is the error for a database without the schema "metadb".
var ErrNoSchema = errors.New(`the database has no schema "metadb"`)

// DatabaseVersion returns the version of the database, or ErrNoSchema.
func DatabaseVersion(ctx context.Context, db Querier) (int, error) {
	var exists bool
	if err := db.QueryRow(ctx, "SELECT to_regclass('metadb.init') IS NOT NULL").Scan(&exists); err != nil {
		return 0, fmt.Errorf("look for the schema metadb: %w", err)
	}
	if !exists {
		return 0, ErrNoSchema
	}
	var version int
	if err := db.QueryRow(ctx, "SELECT dbversion FROM metadb.init").Scan(&version); err != nil {
		return 0, fmt.Errorf("read the database version: %w", err)
	}
	return version, nil
}

// Ensure creates the schema in a database that has no schema metadb, in one transaction, and
// otherwise checks its version; the error is a *VersionError if that is another one. program is the
// version that mdbversion() returns. The connection's user owns all objects. If nothing has to
// change nothing is written, so that the server starts on a full disk.
func Ensure(ctx context.Context, conn *pgx.Conn, program string) error {
	want, err := ProgramVersion()
	if err != nil {
		return err
	}
	have, err := DatabaseVersion(ctx, conn)
	switch {
	case errors.Is(err, ErrNoSchema):
		have = firstVersion - 1
	case err != nil:
		return err
	case have != want:
		return &VersionError{Database: have, Program: want}
	}
	return runMigrations(ctx, conn, have, program)
}

// Versions returns the version of the database and that of this program, to which an upgrade brings
// it. The error is a *VersionError if the database belongs to Metadb 1.4 or older, or to a newer
// program.
func Versions(ctx context.Context, db Querier) (database, program int, err error) {
	program, err = ProgramVersion()
	if err != nil {
		return 0, 0, err
	}
	database, err = DatabaseVersion(ctx, db)
	if err != nil {
		return 0, 0, err
	}
	if database < firstVersion || database > program {
		return database, program, &VersionError{Database: database, Program: program}
	}
	return database, program, nil
}

// Upgrade brings an older database to the version of this program. program is the version that
// mdbversion() returns.
func Upgrade(ctx context.Context, conn *pgx.Conn, program string) error {
	from, _, err := Versions(ctx, conn)
	if err != nil {
		return err
	}
	return runMigrations(ctx, conn, from, program)
}

// runMigrations runs the files after version have and stores the new version.
func runMigrations(ctx context.Context, conn *pgx.Conn, have int, program string) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		names, err := fs.Glob(schemaFiles, "sql/*.sql")
		if err != nil {
			return fmt.Errorf("list schema files: %w", err)
		}
		for _, name := range names[have-(firstVersion-1):] {
			text, err := schemaFiles.ReadFile(name)
			if err != nil {
				return fmt.Errorf("read %s: %w", name, err)
			}
			if _, err := tx.Exec(ctx, string(text)); err != nil {
				return fmt.Errorf("make the schema metadb: %s: %w", name, err)
			}
		}
		if now := firstVersion - 1 + len(names); now != have {
			if err := setVersion(ctx, tx, now); err != nil {
				return fmt.Errorf("store the database version: %w", err)
			}
		}
		return setProgramVersion(ctx, tx, program)
	})
}

// setVersion stores the version of the database.
func setVersion(ctx context.Context, tx pgx.Tx, version int) error {
	if _, err := tx.Exec(ctx, "DELETE FROM metadb.init"); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "INSERT INTO metadb.init (dbversion) VALUES ($1)", version)
	return err
}

// setProgramVersion makes mdbversion() return the version of the program, unless it does already.
func setProgramVersion(ctx context.Context, tx pgx.Tx, program string) error {
	body := " SELECT '" + strings.ReplaceAll("Metadb "+program, "'", "''") + "'::text "
	const same = "SELECT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE oid = to_regprocedure('public.mdbversion()') AND prosrc = $1)"
	var done bool
	if err := tx.QueryRow(ctx, same, body).Scan(&done); err != nil {
		return fmt.Errorf("look at the function mdbversion: %w", err)
	}
	if done {
		return nil
	}
	sql := "CREATE OR REPLACE FUNCTION public.mdbversion() RETURNS text LANGUAGE sql IMMUTABLE AS $mdb$" + body + "$mdb$"
	if _, err := tx.Exec(ctx, sql); err != nil {
		return fmt.Errorf("make the function mdbversion: %w", err)
	}
	return nil
}

// Beginner is the interface that begins a transaction: a connection or a pool.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// logYearLockTimeout limits the wait for a lock on metadb.log: later statements on the log would
// queue behind a waiting lock request.
const logYearLockTimeout = "500ms"

// EnsureLogYear creates the partition of metadb.log for a year (UTC). Readers of the log do not
// block it, nor it them: ATTACH PARTITION needs a weaker lock than CREATE TABLE … PARTITION OF.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-ATTACH-PARTITION
func EnsureLogYear(ctx context.Context, db Beginner, year int) error {
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error { return makeLogYear(ctx, tx, year) })
	if err != nil {
		return fmt.Errorf("make the log's partition for %d: %w", year, err)
	}
	return nil
}

func makeLogYear(ctx context.Context, tx pgx.Tx, year int) error {
	partition := ident.Qualified{Schema: "metadb", Name: ident.Name("zzz___log___" + strconv.Itoa(year))}
	const existsSQL = "SELECT pg_catalog.to_regclass($1) IS NOT NULL"
	var exists bool
	if err := tx.QueryRow(ctx, existsSQL, partition.SQL()).Scan(&exists); err != nil || exists {
		return err
	}
	// Two connections create partitions: the log's own, and the one that prepares the next year.
	const lockSQL = "LOCK TABLE metadb.log IN SHARE UPDATE EXCLUSIVE MODE"
	for _, sql := range []string{"SET LOCAL lock_timeout = '" + logYearLockTimeout + "'", lockSQL} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := tx.QueryRow(ctx, existsSQL, partition.SQL()).Scan(&exists); err != nil || exists {
		return err
	}
	for _, sql := range []string{
		"CREATE TABLE " + partition.SQL() + " (LIKE metadb.log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)",
		"ALTER TABLE metadb.log ATTACH PARTITION " + partition.SQL() + " FOR VALUES FROM ('" +
			strconv.Itoa(year) + "-01-01 00:00:00+00') TO ('" + strconv.Itoa(year+1) + "-01-01 00:00:00+00')",
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}
