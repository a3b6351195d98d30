package lang

import (
	"slices"
	"strings"

	"metadb/internal/target/pgcode"
)

// secretWords has the words before a secret: in PostgreSQL's statements about roles, and in a data
// source's options.
var secretWords = []string{"password", "sasl_password"}

// queryWords has the first words of statements in which such a word can be a column, in a comparison.
var queryWords = []string{"select", "insert", "update", "delete", "merge", "with", "values", "table", "prepare", "copy", "declare", "explain"}

// secretFinder looks for a secret in clear text in a statement that is not a command, such as a
// command with a mistyped first word or a missing comma. The database would refuse the statement,
// and write it to its log.
type secretFinder struct {
	query string
	// first has the statement's first words or symbols.
	first []token
	// word is the word before the current token, or before an equals sign or TO in between;
	// assigned marks the latter.
	word     token
	assigned bool
	// set means that the statement sets a parameter: ALTER ROLE … SET.
	set bool
	// at is the position of the secret, 0 if there is none.
	at int
}

// addToken examines the statement's next token.
func (f *secretFinder) addToken(t token) {
	if f.at > 0 {
		return
	}
	const enough = 3
	if len(f.first) < enough {
		f.first = append(f.first, t)
	}
	switch t.kind {
	case tokenString, tokenEscaped, tokenBroken:
		if f.isSecret(t) {
			f.at = t.at
		}
		f.word, f.assigned = token{}, false
	case tokenWord, tokenQuoted:
		f.set = f.set || t.isWord(f.query, "set")
		if t.isWord(f.query, "to") && f.word.kind != tokenEnd {
			f.assigned = true
			return
		}
		f.word, f.assigned = t, false
	default:
		f.assigned = t.isWord(f.query, "=") && f.word.kind != tokenEnd
		if !f.assigned {
			f.word = token{}
		}
	}
}

// isSecret reports whether a string constant is a secret, by the words before it.
func (f *secretFinder) isSecret(constant token) bool {
	if f.word.kind == tokenEnd || f.hasFirstWords("user", "mapping") || IsVerifier(constant.textValue(f.query)) {
		return false
	}
	name := foldASCII(f.word.textValue(f.query))
	misspelt := func(secret string) bool { return editDistance(name, secret) <= 2 }
	switch {
	case f.isRoleStatement() && !f.set:
		// Of the other options only VALID UNTIL has a string.
		return name != "until"
	case f.assigned && f.isQuery():
		return false
	case f.assigned:
		return name == "sasl_password" || f.isRoleStatement() && misspelt("password")
	}
	return slices.ContainsFunc(secretWords, misspelt)
}

// hasFirstWords reports whether the statement creates or alters an object of the kind that the words name.
func (f *secretFinder) hasFirstWords(words ...string) bool {
	if len(f.first) <= len(words) || !f.first[0].isWord(f.query, "create") && !f.first[0].isWord(f.query, "alter") {
		return false
	}
	for i, w := range words {
		if !f.first[i+1].isWord(f.query, w) {
			return false
		}
	}
	return true
}

// isRoleStatement reports whether the statement creates or alters a role.
func (f *secretFinder) isRoleStatement() bool {
	return f.hasFirstWords("user") || f.hasFirstWords("role") || f.hasFirstWords("group")
}

// isQuery reports whether the statement is of a kind in which columns are compared.
func (f *secretFinder) isQuery() bool {
	return slices.ContainsFunc(queryWords, func(w string) bool { return f.first[0].isWord(f.query, w) })
}

// IsVerifier reports whether a password has the form that PostgreSQL stores, which psql's \password
// sends.
// https://www.postgresql.org/docs/current/catalog-pg-authid.html
func IsVerifier(password string) bool {
	const md5Length = len("md5") + 32
	return strings.HasPrefix(password, "SCRAM-SHA-256$") || strings.HasPrefix(password, "md5") && len(password) == md5Length
}

// secretError returns the error of a statement with a secret, nil if the statement has no secret. The error
// does not contain it.
func (f *secretFinder) secretError() *Error {
	if f.at == 0 {
		return nil
	}
	e := &Error{
		Code: pgcode.SyntaxError, Message: "this is no command of Metadb, and not passed on: the database would write the password in it to its log", Position: f.at,
		Hint: "a word of the command may be mistyped: try help;",
	}
	if f.isRoleStatement() {
		e.Hint = "write create user U with password '…' [, comment '…']; or alter user U with password '…'; to change a password of other roles use \\password U of psql, which sends it encrypted"
	}
	return e
}
