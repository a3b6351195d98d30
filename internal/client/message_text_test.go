package client

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/admin/command"
	"metadb/internal/admin/lang"
	"metadb/internal/change"
	"metadb/internal/resync"
	"metadb/internal/target/pgcode"
)

// foreignExecutor answers "list status" and "endsync" with other texts than this version's. The
// second endsync ends when shown is closed.
type foreignExecutor struct{ shown chan struct{} }

func (foreignExecutor) Parse(d lang.Dialect, query string) []lang.Statement {
	return command.NewGrammar(command.All()).Parse(d, query)
}

func (f foreignExecutor) Exec(ctx context.Context, parsed lang.Command) (*command.Result, error) {
	switch text := parsed.String(); {
	case text == "list status":
		return &command.Result{
			Tag: "SELECT 1",
			Columns: []command.Column{
				{Name: "message", OID: pgtype.TextOID},
				{Name: "progress_total", OID: pgtype.Int8OID},
				{Name: "progress_done", OID: pgtype.Int8OID},
				{Name: "progress_table", OID: pgtype.TextOID},
				{Name: "progress_phase", OID: pgtype.TextOID},
				{Name: "name", OID: pgtype.TextOID},
			},
			Rows: [][]any{{"ending rows: 1 of 2, no.table", int64(9), int64(4), "library.patron", "ending", "sensor"}},
		}, nil
	case !strings.Contains(text, "with"):
		select {
		case <-f.shown:
		case <-ctx.Done():
		}
		return nil, &command.Error{Code: pgcode.ObjectNotInPrerequisiteState, Message: "das geht nicht", Hint: "anders", Constraint: command.RuleUnconfirmed}
	}
	result := &command.Result{Tag: "ENDSYNC", Columns: []command.Column{
		{Name: "table", OID: pgtype.TextOID},
		{Name: "current", OID: pgtype.Int8OID},
		{Name: "confirmed", OID: pgtype.Int8OID},
		{Name: "ended", OID: pgtype.Int8OID},
		{Name: "for_example", OID: pgtype.TextOID},
	}, Rows: [][]any{{"library.patron", int64(9), int64(2), int64(7), "1"}}}
	if strings.Contains(parsed.String(), "force_unconfirmed") {
		result.Columns, result.Rows[0] = result.Columns[:4], result.Rows[0][:4]
	}
	return result, nil
}

// yesPrompter answers yes, and keeps the questions and the first progress.
type yesPrompter struct {
	questions   []string
	table       change.Table
	done, total int64
	shown       chan struct{}
}

func (y *yesPrompter) Ask(q resync.Question) (bool, error) {
	y.questions = append(y.questions, q.Text)
	return true, nil
}

func (y *yesPrompter) Warn(string) {}

func (y *yesPrompter) Progress(table change.Table, done, total int64) {
	y.table, y.done, y.total = table, done, total
	close(y.shown) // the same progress is shown once
}

// TestTextsMayChange checks that progress and questions of endsync do not depend on the texts of the
// server: the progress is in columns, the refusal has the name of its rule.
func TestTextsMayChange(t *testing.T) {
	front := &yesPrompter{shown: make(chan struct{})}
	c, err := Dial(t.Context(), servePort(t, foreignExecutor{shown: front.shown}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	counts, err := c.Endsync(t.Context(), front, resync.EndsyncOptions{Target: resync.Target{Source: "sensor"}})
	if err != nil || len(counts) != 1 || counts[0].Ended != 7 {
		t.Fatalf("got %+v, %v", counts, err)
	}
	if want := (change.Table{Schema: "library", Name: "patron"}); front.table != want || front.done != 4 || front.total != 9 {
		t.Errorf("progress: %v, %d of %d", front.table, front.done, front.total)
	}
	if want := []string{"End synchronization process for data source \"sensor\"? ", "End 7 unconfirmed rows of data source \"sensor\"? "}; !slices.Equal(front.questions, want) {
		t.Errorf("questions: %q", front.questions)
	}
}

// TestTextsAreNotRead checks that no code here compares or searches the fields of an error, a notice
// or a status line that are for people.
func TestTextsAreNotRead(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if isText(n.X) || isText(n.Y) {
					t.Errorf("%v: a text is compared", set.Position(n.Pos()))
				}
			case *ast.CallExpr:
				if readsText(n) && slices.ContainsFunc(n.Args, isText) {
					t.Errorf("%v: a text is searched", set.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

// isText reports whether an expression is a text for people: a field of that name, or the text of an
// error.
func isText(e ast.Expr) bool {
	if call, ok := e.(*ast.CallExpr); ok {
		called, ok := call.Fun.(*ast.SelectorExpr)
		return ok && called.Sel.Name == "Error"
	}
	selected, ok := e.(*ast.SelectorExpr)
	return ok && slices.Contains([]string{"Message", "Hint", "Detail"}, selected.Sel.Name)
}

// readsText reports whether a call may take a text apart.
func readsText(call *ast.CallExpr) bool {
	called, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	from, ok := called.X.(*ast.Ident)
	return ok && (from.Name == "strings" || from.Name == "regexp" || from.Name == "fmt" && strings.HasPrefix(called.Sel.Name, "Sscan"))
}
