package ident

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"unicode/utf8"
)

// hashLength is the number of base-32 characters, five bits each, that make shortened names
// distinct: 60 bits.
const hashLength = 12

// fitName returns prefix + name + suffix if PostgreSQL can keep it, and otherwise prefix + beginning of
// name + "_" + hash + suffix. The hash is over the whole name, so that two long names with the same
// beginning differ, and the result is the same on every run.
func fitName(prefix, name, suffix string) Name {
	if full := prefix + name + suffix; len(full) <= MaxBytes {
		return Name(full)
	}
	return hashedName(prefix, name, suffix, name)
}

// hashedName returns prefix + name or its beginning + "_" + hash of whole + suffix.
func hashedName(prefix, name, suffix, whole string) Name {
	sum := sha256.Sum256([]byte(whole))
	hash := strings.ToLower(base32.HexEncoding.EncodeToString(sum[:]))[:hashLength]
	room := MaxBytes - len(prefix) - len(suffix) - len(hash) - 1
	return Name(prefix + truncateAtRune(name, room) + "_" + hash + suffix)
}

// truncateAtRune returns the longest beginning of s that has at most n bytes and does not
// end inside a character.
func truncateAtRune(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
