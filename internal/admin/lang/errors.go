package lang

import (
	"fmt"
	"strings"
)

// Error is the error of a statement that can't be parsed.
type Error struct {
	// Code is the SQLSTATE.
	Code    string
	Message string
	Hint    string
	// Position is the position of the fault, in characters of the query string counted from 1.
	Position int
}

func (e *Error) Error() string { return e.Message }

// Suggest returns a hint for an invalid word: the valid word that was probably meant, or all of
// them.
func Suggest(word string, valid []string) string {
	best, distance := "", len(word)/3+2
	for _, v := range valid {
		if d := editDistance(strings.ToLower(word), v); d < distance {
			best, distance = v, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "valid ones are: " + strings.Join(valid, ", ")
}

// editDistance returns the Levenshtein distance of two words. For words longer than any keyword it
// returns a large number.
func editDistance(a, b string) int {
	const longest = 64
	if len(a) > longest {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
