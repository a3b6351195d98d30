package logging

import (
	"log/slog"
	"strconv"
	"strings"
	"unicode"

	"metadb/internal/change"
)

// recordText returns a record's message with the attributes in parentheses: attrs, and the record's own,
// which belong to the group. The result is one line for any message.
func recordText(record slog.Record, attrs []slog.Attr, group string) string {
	var b strings.Builder
	b.WriteString(change.PlainText(record.Message))
	n := 0
	for _, a := range attrs {
		n = appendAttr(&b, "", a, n)
	}
	record.Attrs(func(a slog.Attr) bool {
		n = appendAttr(&b, group, a, n)
		return true
	})
	if n > 0 {
		b.WriteByte(')')
	}
	return b.String()
}

// appendAttr writes one attribute, the nth, and returns the number of attributes written so far.
func appendAttr(b *strings.Builder, group string, a slog.Attr, n int) int {
	value := a.Value.Resolve()
	if a.Key == "" && value.Kind() != slog.KindGroup {
		return n
	}
	if value.Kind() == slog.KindGroup {
		for _, inner := range value.Group() {
			n = appendAttr(b, joinKey(group, a.Key), inner, n)
		}
		return n
	}
	if n == 0 {
		b.WriteString(" (")
	} else {
		b.WriteString(", ")
	}
	b.WriteString(joinKey(group, a.Key) + "=" + quoteValue(value.String()))
	return n + 1
}

func joinKey(group, key string) string {
	if group == "" || key == "" {
		return group + key
	}
	return group + "." + key
}

// quoteValue quotes a value that could be read as several.
func quoteValue(value string) string {
	if strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) || r == '"' || r == ',' || r == ')' }) || value == "" {
		return strconv.Quote(value)
	}
	return value
}
