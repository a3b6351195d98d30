package jsonmap

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ColumnName returns the column's name for a field: a leading # or @ is removed, and camel case becomes
// words in lower case with underscores between them. A sequence of capitals is one word, except
// that its last letter begins the next word where a character other than a capital follows.
func ColumnName(field string) string {
	if field != "" && (field[0] == '#' || field[0] == '@') {
		field = field[1:]
	}
	var b strings.Builder
	b.Grow(len(field) + 4)
	before, first := false, true
	for i, r := range field {
		upper := unicode.IsUpper(r)
		if upper && !first {
			next, size := utf8.DecodeRuneInString(field[i+utf8.RuneLen(r):])
			if !before || size > 0 && !unicode.IsUpper(next) {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
		before, first = upper, false
	}
	return b.String()
}

// suffixLength is the length of the suffix of a name that would not be unique, in base-32
// characters: 40 bits.
const suffixLength = 8

// suffixedName returns the name for a field that can't have its own. It depends on the field's path
// alone, so that the field has the same column in every row.
func suffixedName(name string, path string) string {
	sum := sha256.Sum256([]byte(path))
	return name + "_" + strings.ToLower(base32.HexEncoding.EncodeToString(sum[:]))[:suffixLength]
}

// The prefixes of the names of key columns.
const (
	parentKeyPrefix = "__root__"
	positionPrefix  = "__ord__"
)

// ParentKeyColumn returns the name of the key column that holds the parent's key
// column.
func ParentKeyColumn(parent string) string { return parentKeyPrefix + parent }

// PositionColumn returns the name of the column that holds the position in the array
// that is mapped to target.
func PositionColumn(target string) string { return positionPrefix + target }

// IsKeyColumn reports whether a column of a transformed table belongs to its key.
func IsKeyColumn(column string) bool {
	return strings.HasPrefix(column, parentKeyPrefix) || strings.HasPrefix(column, positionPrefix)
}
