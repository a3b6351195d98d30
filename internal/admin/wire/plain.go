package wire

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"metadb/internal/change"
)

// plainText makes text of a command plain. Ends of lines stay: PostgreSQL's details have them.
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

// disturbs reports whether a character is not for a terminal.
func disturbs(r rune) bool { return r != '\n' && r != '\t' && change.IsUnsafeRune(r) }

// plainWriter writes the bodies of errors and notices of the database so that no terminal carries out
// what is in them: a function, a constraint or a name of an analyst's may have brought control characters.
// Each byte of one becomes a space, so that the length stays. Ends of lines, tabs, and the
// zeros between fields stay.
//
// Bytes below 0x20 are characters of their own in all of PostgreSQL's encodings; the others
// are looked at in UTF-8.
// https://www.postgresql.org/docs/current/multibyte.html
type plainWriter struct {
	to   io.Writer
	utf8 bool
	// held is the beginning of a character whose end is still to come.
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

// blank makes the text plain, and returns where its last character begins if that is not whole.
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

// finish writes what is held.
func (p *plainWriter) finish() error {
	_, err := p.to.Write(p.held)
	p.held = nil
	return err
}
