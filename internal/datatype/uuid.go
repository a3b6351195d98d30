package datatype

import (
	"encoding/hex"
	"fmt"
)

// uuidLength is the length of a UUID's canonical text.
const uuidLength = 36

// CanonicalUUIDPattern is the expression for the texts that [CanonicalUUID] accepts, for
// PostgreSQL's operator ~.
const CanonicalUUIDPattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

// CanonicalUUID reports whether text is a UUID as PostgreSQL prints it: lower
// case, hyphens after 8, 12, 16 and 20 digits. Text like that, and no other,
// survives a round trip through the type uuid.
func CanonicalUUID(text []byte) bool {
	if len(text) != uuidLength {
		return false
	}
	for i, c := range text {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}

// AppendUUID appends the binary value of a UUID in the form 8-4-4-4-12, upper
// or lower case.
func AppendUUID(dst, text []byte) ([]byte, error) {
	if len(text) != uuidLength || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return nil, fmt.Errorf("%.40q is no UUID", text)
	}
	var digits [32]byte
	n := copy(digits[:], text[:8])
	n += copy(digits[n:], text[9:13])
	n += copy(digits[n:], text[14:18])
	n += copy(digits[n:], text[19:23])
	copy(digits[n:], text[24:])
	dst, err := hex.AppendDecode(dst, digits[:])
	if err != nil {
		return nil, fmt.Errorf("%.40q is no UUID", text)
	}
	return dst, nil
}

// formatUUID is uuid_out.
func formatUUID(value []byte) (string, error) {
	digits := hex.EncodeToString(value)
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:], nil
}
