package jsonmap

import "errors"

// errUnmapped is the error of a mapping below a path that is not mapped.
var errUnmapped = errors.New("the path above it is not mapped")
