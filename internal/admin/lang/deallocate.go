package lang

// Deallocates returns the name in DEALLOCATE [PREPARE] name. ok is false for any
// other statement, DEALLOCATE ALL too. query is the string that the statement is
// a part of.
// https://www.postgresql.org/docs/current/sql-deallocate.html
func (s *Statement) Deallocates(query string) (name string, ok bool) {
	l := &lexer{query: query[:s.End], at: s.Start, counted: s.Start}
	if !l.nextToken().isWord(query, "deallocate") {
		return "", false
	}
	t, after := l.nextToken(), l.nextToken()
	if t.isWord(query, "prepare") && after.kind != tokenEnd {
		t, after = after, l.nextToken()
	}
	if t.kind != tokenWord && t.kind != tokenQuoted || t.isWord(query, "all") || after.kind != tokenEnd {
		return "", false
	}
	return t.textValue(query), true
}
