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

// screen writes the demo's output.
type screen struct {
	out io.Writer
	// live means that out is a terminal, where a line can be overwritten.
	live bool
}

func newScreen(out *os.File) *screen {
	return &screen{out: out, live: term.IsTerminal(int(out.Fd()))}
}

// heading prints the title of an act.
func (s *screen) heading(text string) {
	_, _ = fmt.Fprintf(s.out, "\n── %s %s\n\n", text, strings.Repeat("─", max(0, 72-len([]rune(text)))))
}

// say prints a line.
func (s *screen) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.out, format+"\n", args...)
}

// command prints a command as a user would type it.
func (s *screen) command(text string) { s.say("  $ %s", text) }

// rows prints the answer to a query, aligned.
func (s *screen) rows(ctx context.Context, db *pgx.Conn, sql string) error {
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
		table = append(table, texts(values))
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	var header []string
	for _, field := range rows.FieldDescriptions() {
		header = append(header, field.Name)
	}
	s.table(header, table)
	return nil
}

func texts(values []any) []string {
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

func (s *screen) table(header []string, rows [][]string) {
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
		s.say("  %s", strings.TrimRight(text.String(), " "))
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
	s.say("")
}

// progress shows the progress of a step: a bar on a terminal, else a line for each tenth.
type progress struct {
	screen *screen
	bar    *progressbar.ProgressBar
	total  int
	shown  int
}

func (s *screen) progress(what string, total int) *progress {
	p := &progress{screen: s, total: total}
	if s.live {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(s.out), progressbar.OptionSetDescription("  "+what),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("rows"),
			progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond))
		return p
	}
	s.say("  %s", what)
	return p
}

// set shows the progress up to n. Its errors are ignored, since the output is not essential.
func (p *progress) set(n int) {
	if p.bar != nil {
		_ = p.bar.Set(min(n, p.total))
		if n >= p.total {
			p.screen.say("")
		}
		return
	}
	if tenth := n * 10 / p.total; tenth > p.shown {
		p.shown = tenth
		p.screen.say("    %7d of %d rows", n, p.total)
	}
}
