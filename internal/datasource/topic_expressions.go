package datasource

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Expressions compiles a comma-separated list of regular expressions (RE2
// syntax: https://github.com/google/re2/wiki/Syntax). Space around an element
// and empty elements are dropped: an empty expression would match everything.
// The error is an [InvalidOptionError] for the option key.
func Expressions(key, list string) ([]*regexp.Regexp, error) {
	var compiled []*regexp.Regexp
	for _, element := range SplitExpressions(list) {
		expression, err := regexp.Compile(element)
		if err != nil {
			return nil, &InvalidOptionError{Key: key, Reason: expressionReason(element, err)}
		}
		compiled = append(compiled, expression)
	}
	return compiled, nil
}

// SplitExpressions splits a comma-separated list of regular expressions. A
// comma that belongs to an expression doesn't separate: one in brackets or
// parentheses, one in a repetition such as {1,3}, one after a backslash.
func SplitExpressions(list string) []string {
	var elements []string
	start, depth, class := 0, 0, outsideClass
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '\\':
			i++
		case class != outsideClass:
			if c == ']' && !firstInClass(list[class:i]) {
				class = outsideClass
			}
		case c == '[':
			class = i
		case c == '(' || c == '{':
			depth++
		case c == ')' || c == '}':
			depth = max(depth-1, 0)
		case c == ',' && depth == 0:
			elements = appendTrimmed(elements, list[start:i])
			start = i + 1
		}
	}
	return appendTrimmed(elements, list[start:])
}

// outsideClass is the start of the class for a character that is not in a class.
const outsideClass = -1

// firstInClass reports whether the next character, after the text class, is the first of its class,
// where "]" is an ordinary one, as in "[]a]" and "[^]a]".
func firstInClass(class string) bool { return class == "[" || class == "[^" }

func appendTrimmed(elements []string, element string) []string {
	if element = strings.TrimSpace(element); element != "" {
		return append(elements, element)
	}
	return elements
}

// expressionReason returns the text of a compile error without the package's own prefix.
func expressionReason(element string, err error) string {
	var syntaxErr *syntax.Error
	if errors.As(err, &syntaxErr) {
		return fmt.Sprintf("regular expression \"%s\": %s", element, syntaxErr.Code)
	}
	return fmt.Sprintf("regular expression \"%s\": %s", element, err)
}
