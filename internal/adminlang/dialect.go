package adminlang

// Dialect is what a session's parameters say about how its query strings are read. The zero value is
// PostgreSQL's default.
type Dialect struct {
	// Backslashes says that they are escapes in plain string constants:
	// standard_conforming_strings is off.
	Backslashes bool
	// Encoding is client_encoding, as PostgreSQL spells it; empty for UTF8.
	Encoding string
}

// IsUTF8 reports whether query strings are UTF-8.
func (d Dialect) IsUTF8() bool { return d.Encoding == "" || d.Encoding == "UTF8" }

// leads reports whether a byte is the first of two, of which the second may look like a
// backslash: in encodings that only clients have.
// https://www.postgresql.org/docs/current/multibyte.html#MULTIBYTE-CHARSET-SUPPORTED
func (d Dialect) leads(c byte) bool {
	switch d.Encoding {
	case "SJIS", "SHIFT_JIS_2004":
		// Between the two are letters of one byte.
		return 0x81 <= c && c <= 0x9f || 0xe0 <= c && c <= 0xfc
	case "BIG5", "GBK", "GB18030", "UHC", "JOHAB":
		return 0x81 <= c && c <= 0xfe
	}
	return false
}
