package datasource

import (
	"regexp"
	"slices"
)

// everyOmitted is the value of null_means_unchanged for all columns of the types that
// it is for.
const everyOmitted = "on"

// MeansUnchanged returns the function that says whether NULL in a column, named
// schema.table.column, of an update stands for an unchanged long value, as
// null_means_unchanged says; byType that the connector sends NULL for those of its
// type. It is nil if the option has no value.
func (o *Options) MeansUnchanged() (func(column string, byType bool) bool, error) {
	switch o.NullMeansUnchanged {
	case "":
		return nil, nil
	case everyOmitted:
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
