package wire_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestSeveralStatements sends query strings of commands, SQL, comments and empty statements, and
// checks the answers, the transaction's state, and the stored rows.
func TestSeveralStatements(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	if _, err := p.Pool.Exec(t.Context(), "create table kept (n int); grant all on kept to mdbadmin"); err != nil {
		t.Fatal(err)
	}
	const add = "insert into kept values (1)"
	tests := []struct {
		query string
		// want contains the tags and SQLSTATEs, and the transaction's state.
		want string
		// kept is the number of rows after the end of the transaction.
		kept string
	}{
		{"", "I", "0"},
		{"-- list status", "I", "0"},
		{"/* list status; */ ;; /* /* nested */ ; */", "I", "0"},
		{"list status", "SELECT 1 I", "0"},
		{";; list status /* ; */ ;;; -- end", "SELECT 1 I", "0"},
		{"list -- to the end ; of the line\n status; list /**/ config", "SELECT 1 " + listConfig + " I", "0"},
		{"select ';list status;'; list status; select $a$;list status;$a$, E'\\';list config'", "SELECT 1 SELECT 1 SELECT 1 I", "0"},
		{add + "; list status; " + add, "INSERT 0 1 SELECT 1 INSERT 0 1 I", "2"},
		// A command ends the implicit transaction, as COMMIT would.
		{add + "; list status; " + add + "; select 1/0", "INSERT 0 1 SELECT 1 INSERT 0 1 22012 I", "1"},
		{add + "; select 1/0; list status", "INSERT 0 1 22012 I", "0"},
		{add + "; drop data source nope; " + add, "INSERT 0 1 42704 I", "1"},
		// A statement that can't be parsed keeps all others from being executed.
		{add + "; list status; list nonsense", "42601 I", "0"},
		{"list status; selec 1", "SELECT 1 42601 I", "0"},
		// These have transaction blocks.
		{"begin; " + add + "; commit; list status", "BEGIN INSERT 0 1 COMMIT SELECT 1 I", "1"},
		{"begin; " + add + "; list status; " + add, "BEGIN INSERT 0 1 25001 E", "0"},
		{"list status; begin; " + add, "SELECT 1 BEGIN INSERT 0 1 T", "0"},
		{"begin; select 1/0; list status", "BEGIN 22012 E", "0"},
		{"list status; commit; list config", "SELECT 1 COMMIT " + listConfig + " I", "0"},
		// Quoted names keep their case, others are folded.
		{
			`create data origin "A ""b"" ;"; CREATE DATA ORIGIN Ab; list data_origins; drop data origin "ab"; drop data origin "A ""b"" ;"`,
			"CREATE DATA ORIGIN CREATE DATA ORIGIN SELECT 2 DROP DATA ORIGIN DROP DATA ORIGIN I", "0",
		},
		{`create data origin x; drop data origin "X"`, "CREATE DATA ORIGIN 42704 I", "0"},
		{`"list" status`, "42601 I", "0"},
		{`list "status"`, "42601 I", "0"},
	}
	for _, test := range tests {
		pg := p.connect().PgConn()
		if got := severally(t, pg, test.query); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.query, got, test.want)
		}
		if pg.TxStatus() != 'I' {
			severally(t, pg, "rollback")
		}
		result := pg.ExecParams(t.Context(), "with gone as (delete from kept returning n) select count(*) from gone", nil, nil, nil, nil).Read()
		if result.Err != nil || string(result.Rows[0][0]) != test.kept {
			t.Errorf("%s: %s rows kept, %v, want %s", test.query, result.Rows, result.Err, test.kept)
		}
	}
}

// severally sends a query string and returns the tags and SQLSTATEs of the answer, and the
// transaction's state after it.
func severally(t *testing.T, pg *pgconn.PgConn, query string) string {
	t.Helper()
	var words []string
	results := pg.Exec(t.Context(), query)
	for results.NextResult() {
		tag, err := results.ResultReader().Close()
		// An empty statement has no tag.
		if err == nil && tag.String() != "" {
			words = append(words, tag.String())
		}
	}
	if err := results.Close(); err != nil {
		words = append(words, code(err))
	}
	return strings.Join(append(words, string(pg.TxStatus())), " ")
}
