package debezium

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"

	"metadb/internal/datatype"
)

// defaultPlaceholder stands for a value that is stored out of line (TOAST) and that
// the change left as it was, unless Debezium is configured otherwise.
// https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-property-unavailable-value-placeholder
const defaultPlaceholder = "__debezium_unavailable_value"

// Placeholder has the forms of the placeholder for each type.
type Placeholder struct {
	word string
	// texts are the forms of a column that is a string: the word, and its
	// encodings by the binary handling modes.
	texts []string
	// documents are the forms of a column that is a list or an object, as
	// JSON.
	documents []string
	// shortest and longest bound the lengths of the texts, and shortestDocument
	// those of the documents, to rule out most values at a glance. White space
	// may make a document longer; a long word has a UUID that is shorter.
	shortest, longest, shortestDocument int
}

// NewPlaceholder returns the forms of word, the default one if it is empty.
// Like Debezium it takes "hex:" for the beginning of a word in hexadecimal.
func NewPlaceholder(word string) Placeholder {
	if word == "" {
		word = defaultPlaceholder
	}
	if digits, ok := strings.CutPrefix(word, "hex:"); ok {
		if decoded, err := hex.DecodeString(digits); err == nil {
			word = string(decoded)
		}
	}
	standard := base64.StdEncoding.EncodeToString([]byte(word))
	urlSafe := base64.URLEncoding.EncodeToString([]byte(word))
	p := Placeholder{word: word, texts: []string{word, standard, urlSafe, hex.EncodeToString([]byte(word))}}
	for _, element := range append([]string{nameUUID(word)}, p.texts...) {
		p.documents = append(p.documents, "["+quoteJSON(element)+"]")
	}
	var signed, unsigned []string
	for _, b := range []byte(word) {
		signed = append(signed, strconv.Itoa(int(int8(b))))
		unsigned = append(unsigned, strconv.Itoa(int(b)))
	}
	p.documents = append(p.documents,
		"["+strings.Join(signed, ",")+"]",
		"["+strings.Join(unsigned, ",")+"]",
		"{"+quoteJSON(word)+":"+quoteJSON(word)+"}")
	p.shortest, p.longest = len(word), len(word)
	for _, form := range p.texts {
		p.longest = max(p.longest, len(form))
	}
	p.shortestDocument = len(p.documents[0])
	for _, form := range p.documents {
		p.shortestDocument = min(p.shortestDocument, len(form))
	}
	return p
}

// quoteJSON returns text as a JSON string.
func quoteJSON(text string) string { return string(datatype.AppendJSONString(nil, text)) }

// nameUUID is Java's UUID.nameUUIDFromBytes, a UUID of version 3 without a
// name space.
func nameUUID(word string) string {
	sum := md5.Sum([]byte(word))
	sum[6] = sum[6]&0x0f | 0x30
	sum[8] = sum[8]&0x3f | 0x80
	digits := hex.EncodeToString(sum[:])
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}

// IsText reports whether a string stands for an unavailable value.
func (p *Placeholder) IsText(text []byte) bool {
	if len(text) < p.shortest || len(text) > p.longest {
		return false
	}
	for _, form := range p.texts {
		if string(text) == form {
			return true
		}
	}
	return false
}

// IsBytes reports whether bytes stand for an unavailable value.
func (p *Placeholder) IsBytes(value []byte) bool { return string(value) == p.word }

// IsDocument reports whether a list or an object stands for an unavailable
// value; raw is valid JSON.
func (p *Placeholder) IsDocument(raw []byte) bool {
	if len(raw) < p.shortestDocument {
		return false
	}
	for _, form := range p.documents {
		if isSameJSON(raw, form) {
			return true
		}
	}
	return false
}

// isSameJSON reports whether raw equals form, which has no white space, but for white
// space between the tokens.
func isSameJSON(raw []byte, form string) bool {
	quoted, at := false, 0
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if !quoted && (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
			continue
		}
		if at == len(form) || form[at] != c {
			return false
		}
		at++
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted && i+1 < len(raw) && at < len(form):
			i++
			if form[at] != raw[i] {
				return false
			}
			at++
		}
	}
	return at == len(form)
}
