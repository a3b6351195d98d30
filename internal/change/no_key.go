package change

import "strings"

// NoKeyText returns a message that tables without a primary key are not copied, with the
// remedies. Names are those at the source, as in filters.
func NoKeyText(tables ...string) string {
	verb, pronoun := "has", "it"
	if len(tables) > 1 {
		verb, pronoun = "have", "them"
	}
	return strings.Join(tables, ", ") + " " + verb + " no primary key: nothing of " + pronoun + " is copied. Give " + pronoun +
		" one at the source (or REPLICA IDENTITY USING INDEX together with message.key.columns in the connector), or add " +
		pronoun + " to table_stop_filter"
}
