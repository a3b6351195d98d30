package lang_test

import (
	"strings"
	"testing"
)

// nearMisses has statements with a password that are not commands, and that PostgreSQL would either
// refuse and write to its log, or carry out.
var nearMisses = []string{
	"create user newcomer with password 'S3cret' comment 'x'",
	"create user newcomer password 'S3cret'",
	"create user newcomer with password 'S3cret'\n\nlist status",
	"create user newcomer with encrypted password 'S3cret'",
	"create user if not exists newcomer with password 'S3cret'",
	"create user newcomer with password 'S3cret' valid until '2030-01-01'",
	"create user newcomer with login password 'S3cret'",
	"CREATE USER newcomer, PASSWORD 'S3cret'",
	"alter user analyst1 with password 'S3cret' valid until '2030-01-01'",
	"alter user analyst1 with password E'S3cret'",
	"alter user analyst1 with password 'S3cret",
	"alter user analyst1 password E'S3cret'",
	"alter user analyst1 password $x$S3cret$x$",
	"alter user analyst1 password U&'S3cret'",
	"alter user analyst1 password = 'S3cret'",
	"alter user analyst1 with pasword 'S3cret'",
	"alter role analyst1 set password to 'S3cret'",
	"create role newcomer login password 'S3cret'",
	"create user newcomer identified by 'S3cret'",
	"create user newcomer passwort 'S3cret'",
	"create user newcomer with /* yes */ login password -- now\n'S3cret'",
	"crate user newcomer with password 'S3cret'",
	"explain create user newcomer with password 'S3cret'",
	"crata data source s type kafka options (brokers 'b', sasl_password 'S3cret')",
	"explain create data source s type kafka options (brokers 'b', sasl_password 'S3cret')",
	"explain (costs off) alter data source s options (set sasl_password 'S3cret')",
	"alterdata source s options (set sasl_password 'S3cret')",
	"crata data source s type kafka options (sasl_password = 'S3cret')",
	"crata data source s type kafka options (sasl_pasword 'S3cret')",
	"crata data source s type kafka options (\"sasl_password\" 'S3cret')",
	"crata data source s type kafka options (SASL_PASSWORD'S3cret')",
	"crata data source s type kafka options (sasl_password 'S3cret",
	"select 1 create data source s type kafka options (sasl_password 'S3cret')",
}

// TestSecretsAreNotPassedOn checks that statements with a secret are refused, and that no error
// repeats the secret.
func TestSecretsAreNotPassedOn(t *testing.T) {
	t.Parallel()
	for _, query := range nearMisses {
		statements := parse(query)
		if len(statements) != 1 {
			t.Errorf("%s: %d statements", query, len(statements))
			continue
		}
		err := statements[0].Err
		if err == nil {
			t.Errorf("%s: passed on: %v", query, statements[0].Command)
			continue
		}
		if err.Code != "42601" || err.Position == 0 || strings.Contains(err.Message+err.Hint, "S3cret") {
			t.Errorf("%s: got %+v", query, err)
		}
	}
}
