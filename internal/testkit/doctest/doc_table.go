package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// TableRows returns the cells of the tables under a heading of a page, up to the next heading, without
// the heads of the tables. The page is relative to root, the root of the repository as the caller
// sees it.
func TableRows(root, page, heading string) ([][]string, error) {
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	var rows [][]string
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#"):
			inside = line == heading
		case !inside || !strings.HasPrefix(line, "|"):
		case strings.HasPrefix(line, "|---"):
			rows = rows[:len(rows)-1] // the head
		default:
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s has no table under %q", page, heading)
	}
	return rows, nil
}

// Unquote returns a text without the marks of inline code.
func Unquote(cell string) string { return strings.Trim(cell, "`") }
