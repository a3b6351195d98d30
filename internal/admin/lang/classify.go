package lang

import "strings"

// commandForm is a beginning of commands, with their parser.
type commandForm struct {
	// words has the first words.
	words string
	parse func(*parser) Command
}

// commandForms lists the beginnings that are always a command: no SQL statement of PostgreSQL begins so,
// except ALTER SYSTEM SET, in place of which Metadb has a command of its own.
func commandForms() []commandForm {
	return []commandForm{
		{"create data", parseCreateData},
		{"alter data", parseAlterData},
		{"drop data", parseDropData},
		{"refresh data", parseRefreshMapping},
		{"refresh inferred", parseRefreshTypes},
		{"alter system set", parseAlterSystem},
		{"list", parseList},
		{"help", parseHelp},
		{"purge", parsePurge},
		{"retry", parseRetry},
		{"skip", parseSkip},
		{"verify", parseVerify},
		{"register", parseRegister},
		{"deregister", parseDeregister},
		{"create schema for", parseCreateSchema},
		{"grant access on", parseGrant},
		{"revoke access on", parseRevoke},
		{"sync", parseSync},
		{"endsync", parseEndsync},
		{"abort sync", parseAbortSync},
	}
}

// findParser returns the parser of the statement if it is a command, nil if it is SQL.
func (s *statementSpan) findParser(query string) func(*parser) Command {
	for _, f := range commandForms() {
		if s.hasFirstWords(query, strings.Fields(f.words)...) {
			return f.parse
		}
	}
	switch {
	case s.isCreateUser(query):
		return parseCreateUser
	case s.isAlterUser(query):
		return parseAlterUser
	case s.isDropUser(query):
		return parseDropUser
	case s.isAlterTable(query):
		return parseAlterTable
	}
	return nil
}

// hasFirstWords reports whether the statement starts with these words.
func (s *statementSpan) hasFirstWords(query string, words ...string) bool {
	return s.hasWordsAt(query, 0, words...)
}

// hasWordsAt reports whether these words or symbols are at index i.
func (s *statementSpan) hasWordsAt(query string, i int, words ...string) bool {
	if len(s.head) < i+len(words) {
		return false
	}
	for j, w := range words {
		if !s.head[i+j].isWord(query, w) {
			return false
		}
	}
	return true
}

// isNameAt reports whether a name can be at index i.
func (s *statementSpan) isNameAt(i int) bool {
	return i < len(s.head) && (s.head[i].kind == tokenWord || s.head[i].kind == tokenQuoted)
}

// isCreateUser distinguishes the command, CREATE USER U WITH PASSWORD 'P' [, …], from PostgreSQL's,
// which may continue with other options but not with a comma. PostgreSQL has no other option of one
// word and a string: a statement with one is a misspelt command, and its password must not get into
// PostgreSQL's log of errors.
func (s *statementSpan) isCreateUser(query string) bool {
	const length = 6
	if !s.hasFirstWords(query, "create", "user") || !s.isNameAt(2) || !s.hasWordsAt(query, 3, "with") || len(s.head) < length || s.head[4].kind != tokenWord {
		return false
	}
	switch s.head[5].kind {
	case tokenString, tokenEscaped, tokenBroken:
		return !s.hasWordsAt(query, 4, "password") || s.tokens == length || s.hasWordsAt(query, length, ",")
	default:
		return false
	}
}

// isAlterUser distinguishes the command, ALTER USER U WITH PASSWORD 'P', from PostgreSQL's, which
// may continue with other options. PostgreSQL also stores passwords that are encrypted already.
func (s *statementSpan) isAlterUser(query string) bool {
	const length = 6
	if s.tokens != length || !s.hasFirstWords(query, "alter", "user") || !s.isNameAt(2) || !s.hasWordsAt(query, 3, "with", "password") {
		return false
	}
	// For any other form secretFinder returns an error that does not repeat the password.
	password := s.head[5]
	return password.kind == tokenString && !isVerifier(password.textValue(query))
}

// isDropUser distinguishes the command, DROP USER U [WITH …], from PostgreSQL's with IF EXISTS or
// with several names.
func (s *statementSpan) isDropUser(query string) bool {
	return s.hasFirstWords(query, "drop", "user") && s.isNameAt(2) && (s.tokens == 3 || s.hasWordsAt(query, 3, "with"))
}

// isAlterTable distinguishes the command, which changes columns of a main table, from PostgreSQL's.
// Names of main tables end with two underscores.
func (s *statementSpan) isAlterTable(query string) bool {
	if !s.hasFirstWords(query, "alter", "table") || !s.isNameAt(2) {
		return false
	}
	table := 2
	if s.hasWordsAt(query, 3, ".") && s.isNameAt(4) {
		table = 4
	}
	if !strings.HasSuffix(s.head[table].textValue(query), "__") {
		return false
	}
	rest := table + 1
	return s.hasWordsAt(query, rest, "add", "column") ||
		s.hasWordsAt(query, rest, "alter", "column") && s.isNameAt(rest+2) && s.hasWordsAt(query, rest+3, "type")
}
