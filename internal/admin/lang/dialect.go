package lang

// Dialect is the rules for reading a session's query strings, which depend on its parameters. The
// zero value is PostgreSQL's default.
type Dialect struct {
	// Backslashes means that backslashes are escapes in plain string constants:
	// standard_conforming_strings is off.
	Backslashes bool
	// Encoding is client_encoding, as PostgreSQL spells it; empty for UTF8.
	Encoding string
}

// IsUTF8 reports whether query strings are UTF-8.
func (d Dialect) IsUTF8() bool { return d.Encoding == "" || d.Encoding == "UTF8" }

// isLeadByte reports whether a byte is the first of two, of which the second may look like a backslash.
// Only encodings of clients have such characters.
// https://www.postgresql.org/docs/current/multibyte.html#MULTIBYTE-CHARSET-SUPPORTED
func (d Dialect) isLeadByte(c byte) bool {
	switch d.Encoding {
	case "SJIS", "SHIFT_JIS_2004":
		// Letters of one byte lie between the two ranges.
		return 0x81 <= c && c <= 0x9f || 0xe0 <= c && c <= 0xfc
	case "BIG5", "GBK", "GB18030", "UHC", "JOHAB":
		return 0x81 <= c && c <= 0xfe
	}
	return false
}
