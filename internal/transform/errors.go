package transform

import "errors"

// errUnmapped says that the path above a mapping's is not mapped.
var errUnmapped = errors.New("the path above it is not mapped")
