package apply

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/target/pgcode"
)

func TestOtherTablespaceFull(t *testing.T) {
	const home = "1663"
	for message, want := range map[string]bool{
		`could not extend file "pg_tblspc/16384/PG_15_202209061/16385/2608": No space left on device`:         true,
		`could not extend file "pg_tblspc/16384/PG_15_202209061/16385/2608.1" with FileFallocate(): No space`: true,
		`konnte Datei »pg_tblspc/16384/PG_15_202209061/16385/2608_fsm« nicht erweitern: No space left`:        true,
		`could not extend file "pg_tblspc/1663/PG_15_202209061/16385/2608": No space left on device`:          false,
		`could not extend file "pg_tblspc/16384/PG_15_202209061/16385/t7_16645": No space left on device`:     false,
		`could not write to file "pg_tblspc/16384/PG_15_202209061/pgsql_tmp/pgsql_tmp7.0": No space left`:     false,
		`could not extend file "base/16385/2608": No space left on device`:                                    false,
		`could not extend file "pg_tblspc/16384": No space left on device`:                                    false,
	} {
		err := fmt.Errorf("copy: %w", &pgconn.PgError{Code: pgcode.DiskFull, Message: message})
		if got := isOtherTablespaceFull(err, home); got != want {
			t.Errorf("%s: got %v", message, got)
		}
	}
	if isOtherTablespaceFull(&pgconn.PgError{Code: "53200", Message: `"pg_tblspc/16384/PG_15_202209061/16385/2608"`}, home) {
		t.Error("out of memory is a full disk")
	}
}
