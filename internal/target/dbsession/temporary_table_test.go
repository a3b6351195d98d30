package dbsession_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/target/dbsession"
	"metadb/internal/target/pgcode"
)

// TestTemporaryRefusal distinguishes refusals of temporary tables from other errors.
func TestTemporaryRefusal(t *testing.T) {
	t.Parallel()
	const trigger = "PL/pgSQL function public.refuse() line 1 at RAISE"
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("connection lost"), false},
		{&pgconn.PgError{Code: pgcode.InsufficientPrivilege}, true},
		{&pgconn.PgError{Code: "P0001", Where: trigger}, true},
		{fmt.Errorf("make a table: %w", &pgconn.PgError{Code: "P0001", Where: trigger}), true},
		{&pgconn.PgError{Code: pgcode.DiskFull}, false},
		{&pgconn.PgError{Code: pgcode.LockNotAvailable, Where: trigger}, false},
		{&pgconn.PgError{Code: pgcode.DeadlockDetected, Where: trigger}, false},
	} {
		if _, got := dbsession.TemporaryRefusal(test.err); got != test.want {
			t.Errorf("%v: %t", test.err, got)
		}
	}
}
