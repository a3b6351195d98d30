package lang

// headLength is the number of first tokens that decide whether a statement is a command.
const headLength = 9

// Head has the first tokens of a statement, which decide whether it is a command.
type Head struct {
	query  string
	tokens []token
	// length is the number of all tokens of the statement.
	length int
}

// Length returns the number of all tokens of the statement.
func (h *Head) Length() int { return h.length }

// HasWords reports whether these words or symbols are at index i.
func (h *Head) HasWords(i int, words ...string) bool {
	if len(h.tokens) < i+len(words) {
		return false
	}
	for j, w := range words {
		if !h.tokens[i+j].isWord(h.query, w) {
			return false
		}
	}
	return true
}

// IsName reports whether a name can be at index i.
func (h *Head) IsName(i int) bool {
	return h.hasKind(i, tokenWord) || h.hasKind(i, tokenQuoted)
}

// IsWord reports whether an unquoted word is at index i.
func (h *Head) IsWord(i int) bool { return h.hasKind(i, tokenWord) }

// IsString reports whether a string constant in the form that commands accept is at index i.
func (h *Head) IsString(i int) bool { return h.hasKind(i, tokenString) }

// IsConstant reports whether a string constant in any form is at index i, an unterminated one too.
func (h *Head) IsConstant(i int) bool {
	return h.hasKind(i, tokenString) || h.hasKind(i, tokenEscaped) || h.hasKind(i, tokenBroken)
}

// Text returns the value of the name or of the string constant at index i.
func (h *Head) Text(i int) string { return h.tokens[i].textValue(h.query) }

func (h *Head) hasKind(i int, kind tokenKind) bool {
	return i < len(h.tokens) && h.tokens[i].kind == kind
}
