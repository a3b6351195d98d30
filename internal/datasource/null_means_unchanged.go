package datasource

import (
	"regexp"
	"slices"
)

// allOmitted is the value of null_means_unchanged for all columns with types that a connector may
// leave out.
const allOmitted = "on"

// MeansUnchanged returns a function that reports whether NULL in a column of an update, named
// schema.table.column, stands for an unchanged long value, according to null_means_unchanged;
// byType is true if the connector may send NULL for unchanged values of the column's type. The
// function is nil if the option has no value.
func (o *Options) MeansUnchanged() (func(column string, byType bool) bool, error) {
	switch o.NullMeansUnchanged {
	case "":
		return nil, nil
	case allOmitted:
		return func(_ string, byType bool) bool { return byType }, nil
	}
	columns, err := Expressions("null_means_unchanged", o.NullMeansUnchanged)
	if err != nil {
		return nil, err
	}
	return func(column string, _ bool) bool {
		return slices.ContainsFunc(columns, func(e *regexp.Regexp) bool { return e.MatchString(column) })
	}, nil
}
