package change

import "fmt"

// Count words a number of things in a message: one is how a single one is said,
// many how any other number is. Both may have a verb: "event is", "events are".
func Count[N ~int | ~int64](n N, one, many string) string {
	if n == 1 {
		many = one
	}
	return fmt.Sprintf("%d %s", n, many)
}
