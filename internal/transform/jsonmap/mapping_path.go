package jsonmap

import (
	"fmt"
	"strings"
)

// RootPath is the path of the whole document.
const RootPath = "$"

// maxTarget is the longest target in characters, the length of metadb.transform_json.map.
const maxTarget = 16

// ParsePath returns the names of the members that lead to a path: an empty list for $, a and b for
// $.a.b. Arrays are not part of a path.
func ParsePath(path string) ([]string, error) {
	if path == RootPath {
		return nil, nil
	}
	rest, found := strings.CutPrefix(path, RootPath+".")
	if !found {
		return nil, fmt.Errorf("path %q does not begin with $ and a point", path)
	}
	names := strings.Split(rest, ".")
	for _, name := range names {
		if name == "" || strings.ContainsAny(name, "[]*\"'") {
			return nil, fmt.Errorf("path %q is not $ or $ and the names of members, each after a point", path)
		}
	}
	return names, nil
}

// ParentPath returns the path that has to be mapped before path can be, false for $.
func ParentPath(path string) (string, bool) {
	at := strings.LastIndexByte(path, '.')
	if at < 0 {
		return "", false
	}
	return path[:at], true
}

// CheckTarget checks that a target can be part of a table's name as users type it.
func CheckTarget(target string) error {
	if target == "" || len(target) > maxTarget {
		return fmt.Errorf("a target has 1 to %d characters", maxTarget)
	}
	for i := range len(target) {
		c := target[i]
		if c >= 'a' && c <= 'z' || i > 0 && c >= '0' && c <= '9' {
			continue
		}
		return fmt.Errorf("a target has lower-case letters and digits, and begins with a letter")
	}
	return nil
}
