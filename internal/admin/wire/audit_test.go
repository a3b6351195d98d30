package wire_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/wire"
)

// TestAudit checks that the log has each login and each command with user and address, but no
// password and no command that only reads.
func TestAudit(t *testing.T) {
	t.Parallel()
	p := open(t, func(c *wire.Config) { c.TLS = certificate(t) })
	conn := p.connect()
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeDescribeExec} {
		_ = query(conn, "create data origin east", mode)
		_ = query(conn, "create data source s type kafka options (brokers 'b', sasl_password 'S3cret')", mode)
		_ = query(conn, "list config", mode)
	}
	if got := p.login("dbname=metadb user=mdbadmin password='pass word' sslmode=require"); got != "mdbadmin\n" {
		t.Error(got)
	}
	p.psql("drop data origin west", "-U", "postgres")
	from := conn.PgConn().Conn().LocalAddr().String()
	for _, want := range []string{
		fmt.Sprintf(`level=INFO msg="administration port: user \"mdbadmin\" logged in from %s, with a password"`, from),
		fmt.Sprintf(`level=INFO msg="administration port: user \"mdbadmin\" from %s: create data origin east"`, from),
		fmt.Sprintf(`administration port: user \"mdbadmin\" from %s: create data source s type kafka options (brokers 'b', sasl_password '********')`, from),
		fmt.Sprintf(`administration port: user \"postgres\" logged in from the Unix socket (uid %d), without a password`, os.Geteuid()),
		fmt.Sprintf(`administration port: user \"postgres\" from the Unix socket (uid %d): drop data origin west`, os.Geteuid()),
		`with a password, TLS 1.3`,
	} {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	log := p.log.String()
	if strings.Contains(log, "S3cret") || strings.Contains(log, `level=INFO msg="administration port: user \"mdbadmin\" from `+from+": list") {
		t.Error("the log has a secret, or who looks")
	}
	if t.Failed() {
		t.Log(log)
	}
}
