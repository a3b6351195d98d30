package wire

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"metadb/internal/change"
)

// plainText replaces control characters in the text of a command by spaces. Line feeds and tabs
// stay: PostgreSQL's details contain them.
func plainText(text string) string {
	if !strings.ContainsFunc(text, disturbs) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if disturbs(r) {
			return ' '
		}
		return r
	}, text)
}

// disturbs reports whether a terminal must not get a character.
func disturbs(r rune) bool { return r != '\n' && r != '\t' && change.IsUnsafeRune(r) }

// plainWriter replaces control characters in the bodies of errors and notices of the database, so
// that no terminal executes them: an analyst's function, constraint or name may contain some. Each
// byte of such a character becomes a space, so that the length stays. Line feeds, tabs, and the
// zeros between fields stay.
//
// Bytes below 0x20 are complete characters in all of PostgreSQL's encodings; other control
// characters are replaced in UTF-8 only.
// https://www.postgresql.org/docs/current/multibyte.html
type plainWriter struct {
	to   io.Writer
	utf8 bool
	// held is the beginning of a character that is not complete yet.
	held []byte
}

// Write implements io.Writer.
func (p *plainWriter) Write(piece []byte) (int, error) {
	text := slices.Concat(p.held, piece)
	n := p.blank(text)
	p.held = append([]byte(nil), text[n:]...)
	if _, err := p.to.Write(text[:n]); err != nil {
		return 0, err
	}
	return len(piece), nil
}

// blank replaces the control characters of a text, and returns the offset of its last character if
// that is incomplete, otherwise the length.
func (p *plainWriter) blank(text []byte) int {
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			switch {
			case !p.utf8:
				i++
				continue
			case !utf8.FullRune(text[i:]):
				return i
			}
			r, size = utf8.DecodeRune(text[i:])
		}
		if r != 0 && disturbs(r) {
			for j := range size {
				text[i+j] = ' '
			}
		}
		i += size
	}
	return len(text)
}

// finish writes the held bytes.
func (p *plainWriter) finish() error {
	_, err := p.to.Write(p.held)
	p.held = nil
	return err
}
