package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// demoScreen writes the demo's output.
type demoScreen struct {
	out io.Writer
	// live means that out is a terminal, where a line can be overwritten.
	live bool
}

func newScreen(out *os.File) *demoScreen {
	return &demoScreen{out: out, live: term.IsTerminal(int(out.Fd()))}
}

// printHeading prints the title of an act.
func (s *demoScreen) printHeading(text string) {
	_, _ = fmt.Fprintf(s.out, "\n── %s %s\n\n", text, strings.Repeat("─", max(0, 72-len([]rune(text)))))
}

// printLine prints a line.
func (s *demoScreen) printLine(format string, args ...any) {
	_, _ = fmt.Fprintf(s.out, format+"\n", args...)
}

// printCommand prints a command as a user would type it.
func (s *demoScreen) printCommand(text string) { s.printLine("  $ %s", text) }

// printQuery prints the answer to a query, aligned.
func (s *demoScreen) printQuery(ctx context.Context, db *pgx.Conn, sql string) error {
	rows, err := db.Query(ctx, sql)
	if err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	defer rows.Close()
	var table [][]string
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
		table = append(table, textValues(values))
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	var header []string
	for _, field := range rows.FieldDescriptions() {
		header = append(header, field.Name)
	}
	s.printTable(header, table)
	return nil
}

func textValues(values []any) []string {
	line := make([]string, len(values))
	for i, value := range values {
		switch v := value.(type) {
		case nil:
			line[i] = ""
		case time.Time:
			line[i] = v.UTC().Format("2006-01-02 15:04:05.000")
		default:
			line[i] = fmt.Sprint(v)
		}
	}
	return line
}

func (s *demoScreen) printTable(header []string, rows [][]string) {
	widths := make([]int, len(header))
	for _, row := range append([][]string{header}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	line := func(cells []string) {
		var text strings.Builder
		for i, cell := range cells {
			text.WriteString("  " + cell + strings.Repeat(" ", widths[i]-len([]rune(cell))))
		}
		s.printLine("  %s", strings.TrimRight(text.String(), " "))
	}
	line(header)
	rule := make([]string, len(header))
	for i, width := range widths {
		rule[i] = strings.Repeat("-", width)
	}
	line(rule)
	for _, row := range rows {
		line(row)
	}
	s.printLine("")
}

// progressBar shows the progress of a step: a bar on a terminal, else a line for each tenth.
type progressBar struct {
	screen *demoScreen
	bar    *progressbar.ProgressBar
	total  int
	shown  int
}

func (s *demoScreen) newProgressBar(what string, total int) *progressBar {
	p := &progressBar{screen: s, total: total}
	if s.live {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(s.out), progressbar.OptionSetDescription("  "+what),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("rows"),
			progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond))
		return p
	}
	s.printLine("  %s", what)
	return p
}

// drawProgress shows the progress up to n. Its errors are ignored, since the output is not essential.
func (p *progressBar) drawProgress(n int) {
	if p.bar != nil {
		_ = p.bar.Set(min(n, p.total))
		if n >= p.total {
			p.screen.printLine("")
		}
		return
	}
	if tenth := n * 10 / p.total; tenth > p.shown {
		p.shown = tenth
		p.screen.printLine("    %7d of %d rows", n, p.total)
	}
}
