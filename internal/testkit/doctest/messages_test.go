package doctest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"metadb/internal/observe/status"
)

const messagesPage = "docs/troubleshooting.md"

// gap stands in a message for the parts that differ.
const gap = "…"

// TestMessages checks that docs/troubleshooting.md has each message at the levels WARNING, ERROR and
// FATAL of which the code has a text, and that the code has each message of the page.
func TestMessages(t *testing.T) {
	t.Parallel()
	documented := documentedMessages(t)
	literals := &strings.Builder{}
	logged := 0
	for _, name := range files(t, ".go") {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "internal/testkit/") || strings.Contains(name, "internal/tools/") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, contents(t, name), 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				literals.WriteString(literalText(n) + "\n")
			case *ast.CallExpr:
				message, isLog := loggedMessage(n)
				if !isLog || strings.Trim(message, gap+" :;()") == "" {
					return true // a text that another function makes
				}
				logged++
				if !slices.ContainsFunc(documented, func(d string) bool { return strings.Contains(d, message) }) {
					t.Errorf("%s: %s lacks the message %q", name, messagesPage, message)
				}
			}
			return true
		})
	}
	if logged < 30 {
		t.Errorf("the code has %d messages: the test does not find them", logged)
	}
	code := withGaps(literals.String())
	for _, message := range documented {
		for part := range strings.SplitSeq(message, gap) {
			if !strings.Contains(code, strings.TrimSpace(part)) {
				t.Errorf("%s has the message %q, and the code no text %q", messagesPage, message, part)
			}
		}
	}
}

// TestStates checks that the page has each state of a stream and of a synchronization.
func TestStates(t *testing.T) {
	t.Parallel()
	rows, err := TableRows(repository, messagesPage, "## States")
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range append(texts(status.Streams()), texts(status.Syncs())...) {
		if !slices.ContainsFunc(rows, func(row []string) bool { return Unquote(row[0]) == state }) {
			t.Errorf("%s lacks the state %s", messagesPage, state)
		}
	}
	for _, row := range rows {
		if state := Unquote(row[0]); !slices.Contains(texts(status.Streams()), state) && !slices.Contains(texts(status.Syncs()), state) {
			t.Errorf("%s has the state %s, which does not exist", messagesPage, state)
		}
	}
}

// documentedMessages returns the messages in the first cells of the page's tables.
func documentedMessages(t *testing.T) []string {
	t.Helper()
	var found []string
	for line := range strings.Lines(contents(t, messagesPage)) {
		cell, isRow := strings.CutPrefix(line, "| ")
		if !isRow {
			continue
		}
		cell, _, _ = strings.Cut(cell, " | ")
		if quoted := strings.TrimSpace(cell); strings.HasPrefix(quoted, "`") {
			found = append(found, strings.Trim(quoted, "`"))
		}
	}
	if len(found) < 40 {
		t.Errorf("%s has %d messages: the test does not find them", messagesPage, len(found))
	}
	return found
}

// verb matches a formatting verb, quoted or not.
var verb = regexp.MustCompile(`"?%(\[[0-9]+\])?[-+# 0-9.]*[a-zA-Z]"?`)

// withGaps replaces the verbs of a format.
func withGaps(format string) string {
	return strings.ReplaceAll(verb.ReplaceAllString(strings.ReplaceAll(format, "%%", "\x00"), gap), "\x00", "%")
}

// gaps matches parts of a message that differ, one after the other.
var gaps = regexp.MustCompile(gap + `(?:["\s]*` + gap + `)+`)

// sourcePrefix matches the beginning of a message about a data source.
var sourcePrefix = regexp.MustCompile(`^(source ` + gap + `: |` + gap + `)`)

// loggedMessage returns the message of a call of Warn, Error or warnOnce, or of Log with a level, with
// gaps, and without the name of the data source at its beginning.
func loggedMessage(call *ast.CallExpr) (string, bool) {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 {
		return "", false
	}
	argument := 0
	switch selector.Sel.Name {
	case "Warn", "Error", "warnOnce":
	case "Log":
		argument = 2
	default:
		return "", false
	}
	if argument >= len(call.Args) || selector.Sel.Name == "Error" && !isLogger(selector.X) {
		return "", false
	}
	text := gaps.ReplaceAllString(withGaps(expressionText(call.Args[argument])), gap)
	first, _, _ := strings.Cut(strings.TrimSpace(sourcePrefix.ReplaceAllString(text, "")), "\n")
	return strings.Trim(first, gap+" :"), true
}

// isLogger reports whether an expression is a logger, by its name.
func isLogger(e ast.Expr) bool {
	selector, ok := e.(*ast.SelectorExpr)
	if ok {
		return strings.EqualFold(selector.Sel.Name, "logger") || selector.Sel.Name == "log"
	}
	name, ok := e.(*ast.Ident)
	return ok && strings.EqualFold(name.Name, "logger")
}

// expressionText returns the text of an expression: literals, sums of them, and the format of
// Sprintf. All else is a gap.
func expressionText(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		return literalText(e)
	case *ast.BinaryExpr:
		return expressionText(e.X) + expressionText(e.Y)
	case *ast.CallExpr:
		if selector, ok := e.Fun.(*ast.SelectorExpr); ok && selector.Sel.Name == "Sprintf" {
			return expressionText(e.Args[0])
		}
	}
	return gap
}

// literalText returns the value of a text literal, and "" for other literals.
func literalText(l *ast.BasicLit) string {
	if l.Kind != token.STRING {
		return ""
	}
	value, err := strconv.Unquote(l.Value)
	if err != nil {
		return ""
	}
	return value
}
