package change

import "fmt"

// Plural returns a number with its noun for a message: one is the singular, many
// the plural. Both may have a verb: "event is", "events are".
func Plural[N ~int | ~int64](n N, one, many string) string {
	if n == 1 {
		many = one
	}
	return fmt.Sprintf("%d %s", n, many)
}
