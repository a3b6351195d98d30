package adminlang

// Deallocates returns the name in DEALLOCATE [PREPARE] name. ok is false for any
// other statement, DEALLOCATE ALL too. query is the string that the statement is
// a part of.
// https://www.postgresql.org/docs/current/sql-deallocate.html
func (s *Statement) Deallocates(query string) (name string, ok bool) {
	l := &lexer{query: query[:s.End], at: s.Start, counted: s.Start}
	if !l.next().is(query, "deallocate") {
		return "", false
	}
	t, after := l.next(), l.next()
	if t.is(query, "prepare") && after.kind != end {
		t, after = after, l.next()
	}
	if t.kind != word && t.kind != quoted || t.is(query, "all") || after.kind != end {
		return "", false
	}
	return t.value(query), true
}
