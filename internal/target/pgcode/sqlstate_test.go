package pgcode_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/target/pgcode"
	"metadb/internal/testkit/pgtest"
)

// sqlstatePattern matches the SQLSTATEs, and other texts of the form.
var sqlstatePattern = regexp.MustCompile(`^[0-9A-Z]{5}$`)

// TestNamesArePostgreSQLs compares each constant with PostgreSQL's own code of the condition.
func TestNamesArePostgreSQLs(t *testing.T) {
	db := pgtest.New(t)
	var version int
	if err := db.Pool.QueryRow(t.Context(), "SELECT current_setting('server_version_num')::int / 10000").Scan(&version); err != nil {
		t.Fatal(err)
	}
	names := constants(t)
	if len(names) < 40 {
		t.Fatalf("found %d constants", len(names))
	}
	unraisable := map[string]bool{"SuccessfulCompletion": true, "Warning": true} // PL/pgSQL does not raise them
	newer := map[string]int{"TransactionTimeout": 17}
	for name, code := range names {
		if unraisable[name] || newer[name] > version {
			continue
		}
		_, err := db.Pool.Exec(t.Context(), "DO $$ BEGIN RAISE "+conditionName(name)+"; END $$")
		if got := pgcode.Of(err); got != code {
			t.Errorf("%s is %s, PostgreSQL's %s is %q (%v)", name, code, conditionName(name), got, err)
		}
	}
}

// constants returns the single conditions of this package.
func constants(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "sqlstate.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if value := stringLiteral(spec.Values[0]); sqlstatePattern.MatchString(value) {
			found[spec.Names[0].Name] = value
		}
		return true
	})
	return found
}

var wordStart = regexp.MustCompile(`(SQL|FDW|[A-Z][a-z]+)`)

// conditionName returns PostgreSQL's name of a condition: insufficient_privilege.
func conditionName(constant string) string {
	return strings.ToLower(strings.TrimPrefix(wordStart.ReplaceAllString(constant, "_$1"), "_"))
}

func stringLiteral(e ast.Expr) string {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return ""
	}
	value, err := strconv.Unquote(literal.Value)
	if err != nil {
		return ""
	}
	return value
}

// TestNoSQLStateElsewhere looks for SQLSTATEs in the code of all other packages. Tests may have them: a
// test that uses the constant would agree with a wrong one.
func TestNoSQLStateElsewhere(t *testing.T) {
	known := make(map[string]string)
	for name, code := range constants(t) {
		known[code] = name
	}
	files := 0
	for _, root := range []string{"../../../cmd", "../../../internal"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "/target/pgcode/") {
				return nil
			}
			files++
			return reportSQLStates(t, path, known)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 300 {
		t.Errorf("looked into %d files only", files)
	}
}

// reportSQLStates reports the literals of a file that are known SQLSTATEs, or would be one: five
// characters, one of them a digit.
func reportSQLStates(t *testing.T, path string, known map[string]string) error {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, 0)
	if err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		value := stringLiteral(e)
		if name := known[value]; name != "" {
			t.Errorf("%s: %q is pgcode.%s", fset.Position(n.Pos()), value, name)
		} else if sqlstatePattern.MatchString(value) && strings.ContainsAny(value, "0123456789") {
			t.Errorf("%s: an SQLSTATE, if %q is one, belongs into package pgcode", fset.Position(n.Pos()), value)
		}
		return true
	})
	return nil
}

func TestPredicates(t *testing.T) {
	wrapped := func(code string) error { return fmt.Errorf("apply: %w", &pgconn.PgError{Code: code}) }
	for _, c := range []struct {
		err                             error
		of                              string
		timeout, conflict, unique, data bool
	}{
		{nil, "", false, false, false, false},
		{errors.New("55P03"), "", false, false, false, false},
		{wrapped(""), "", false, false, false, false},
		{wrapped("55P03"), "55P03", true, true, false, false},
		{wrapped("40P01"), "40P01", false, true, false, false},
		{wrapped("40001"), "40001", false, true, false, false},
		{wrapped("23505"), "23505", false, false, true, true},
		{wrapped("22P02"), "22P02", false, false, false, true},
		{wrapped("54000"), "54000", false, false, false, true},
		{wrapped("54"), "54", false, false, false, false},
		{wrapped("0A000"), "0A000", false, false, false, false},
	} {
		if got := pgcode.Of(c.err); got != c.of {
			t.Errorf("%v: Of returns %q", c.err, got)
		}
		if pgcode.Is(c.err, "") {
			t.Errorf("%v: has no code, but Is accepts it", c.err)
		}
		got := [4]bool{pgcode.IsLockTimeout(c.err), pgcode.IsLockConflict(c.err), pgcode.IsUniqueViolation(c.err), pgcode.IsDataError(pgcode.Of(c.err))}
		if want := [4]bool{c.timeout, c.conflict, c.unique, c.data}; got != want {
			t.Errorf("%v: got %v, want %v", c.err, got, want)
		}
	}
}
