package adminlang

import "strings"

// form is a beginning of commands, with their parser.
type form struct {
	// words has the first words.
	words string
	parse func(*parser) Command
}

// forms lists the beginnings that are always a command: no SQL statement of PostgreSQL begins so,
// except ALTER SYSTEM SET, in place of which Metadb has a command of its own.
func forms() []form {
	return []form{
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

// parser returns the parser of the statement if it is a command, nil if it is SQL.
func (s *span) parser(query string) func(*parser) Command {
	for _, f := range forms() {
		if s.begins(query, strings.Fields(f.words)...) {
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

// begins reports whether the statement starts with these words.
func (s *span) begins(query string, words ...string) bool {
	return s.has(query, 0, words...)
}

// has reports whether these words or symbols are at index i.
func (s *span) has(query string, i int, words ...string) bool {
	if len(s.head) < i+len(words) {
		return false
	}
	for j, w := range words {
		if !s.head[i+j].is(query, w) {
			return false
		}
	}
	return true
}

// isName reports whether a name can be at index i.
func (s *span) isName(i int) bool {
	return i < len(s.head) && (s.head[i].kind == word || s.head[i].kind == quoted)
}

// isCreateUser distinguishes the command, CREATE USER U WITH PASSWORD 'P' [, …], from PostgreSQL's,
// which may continue with other options but not with a comma. PostgreSQL has no other option of one
// word and a string: a statement with one is a misspelt command, and its password must not get into
// PostgreSQL's log of errors.
func (s *span) isCreateUser(query string) bool {
	const length = 6
	if !s.begins(query, "create", "user") || !s.isName(2) || !s.has(query, 3, "with") || len(s.head) < length || s.head[4].kind != word {
		return false
	}
	switch s.head[5].kind {
	case text, escaped, broken:
		return !s.has(query, 4, "password") || s.tokens == length || s.has(query, length, ",")
	default:
		return false
	}
}

// isAlterUser distinguishes the command, ALTER USER U WITH PASSWORD 'P', from PostgreSQL's, which
// may continue with other options. PostgreSQL also stores passwords that are encrypted already.
func (s *span) isAlterUser(query string) bool {
	const length = 6
	if s.tokens != length || !s.begins(query, "alter", "user") || !s.isName(2) || !s.has(query, 3, "with", "password") {
		return false
	}
	// For any other form secretFinder returns an error that does not repeat the password.
	password := s.head[5]
	return password.kind == text && !isVerifier(password.value(query))
}

// isDropUser distinguishes the command, DROP USER U [WITH …], from PostgreSQL's with IF EXISTS or
// with several names.
func (s *span) isDropUser(query string) bool {
	return s.begins(query, "drop", "user") && s.isName(2) && (s.tokens == 3 || s.has(query, 3, "with"))
}

// isAlterTable distinguishes the command, which changes columns of a main table, from PostgreSQL's.
// Names of main tables end with two underscores.
func (s *span) isAlterTable(query string) bool {
	if !s.begins(query, "alter", "table") || !s.isName(2) {
		return false
	}
	table := 2
	if s.has(query, 3, ".") && s.isName(4) {
		table = 4
	}
	if !strings.HasSuffix(s.head[table].value(query), "__") {
		return false
	}
	rest := table + 1
	return s.has(query, rest, "add", "column") ||
		s.has(query, rest, "alter", "column") && s.isName(rest+2) && s.has(query, rest+3, "type")
}
