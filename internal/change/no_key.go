package change

import "strings"

// NoKeyText says that tables without a primary key are not copied, and what helps. A
// topic is skipped by its table's name at the source, which is what a filter sees.
func NoKeyText(tables ...string) string {
	verb, pronoun := "has", "it"
	if len(tables) > 1 {
		verb, pronoun = "have", "them"
	}
	return strings.Join(tables, ", ") + " " + verb + " no primary key: nothing of " + pronoun + " is copied. Give " + pronoun +
		" one at the source (or REPLICA IDENTITY USING INDEX together with message.key.columns in the connector), or add " +
		pronoun + " to table_stop_filter"
}
