package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"metadb/internal/admin/lang"
	"metadb/internal/datasource"
	"metadb/internal/target/pgcode"
)

// canonicalOptions returns the options with their documented names.
func canonicalOptions(options []lang.Option) []lang.Option {
	list := slices.Clone(options)
	for i := range list {
		list[i].Key.Text = datasource.Canonical(list[i].Key.Text)
	}
	return list
}

// applyOptions changes options according to OPTIONS (…), with PostgreSQL's rules for ADD, SET and
// DROP: ADD needs an option without a value, the others need one with a value.
// https://www.postgresql.org/docs/current/sql-alterserver.html
func applyOptions(o *datasource.Options, changes []lang.Option) error {
	seen := make(map[string]bool, len(changes))
	for _, c := range changes {
		key := c.Key.Text
		if seen[key] {
			return &Error{Code: pgcode.DuplicateObject, Message: fmt.Sprintf("option \"%s\" provided more than once", key), Position: c.Key.At}
		}
		seen[key] = true
		if err := applyOption(o, c); err != nil {
			return err
		}
	}
	return nil
}

func applyOption(o *datasource.Options, c lang.Option) error {
	key := c.Key.Text
	_, has := o.Get(key)
	if err := o.Set(key, c.Value.Text); err != nil {
		refused := optionError(err, faultPosition(c, err))
		var invalid *datasource.InvalidOptionError
		var shown *Error
		if errors.As(err, &invalid) && errors.As(refused, &shown) {
			shown.Hint = suggestionHint(c.Value.Text, invalid.Choices) + shown.Hint
		}
		return refused
	}
	switch {
	case c.Action == lang.Add && has:
		return &Error{
			Code: pgcode.DuplicateObject, Message: fmt.Sprintf("option \"%s\" already has a value", key),
			Hint: fmt.Sprintf("use: set %s '…'", key), Position: c.Key.At,
		}
	case c.Action != lang.Add && !has:
		return &Error{
			Code: pgcode.UndefinedObject, Message: fmt.Sprintf("option \"%s\" has no value", key),
			Hint: fmt.Sprintf("use: add %s '…'", key), Position: c.Key.At,
		}
	case c.Action == lang.Drop:
		return o.Unset(key)
	}
	return nil
}

// faultPosition returns the position of an option's fault: its name if that is unknown, otherwise
// its value.
func faultPosition(c lang.Option, err error) int {
	var unknown *datasource.UnknownOptionError
	if errors.As(err, &unknown) || c.Action == lang.Drop {
		return c.Key.At
	}
	return c.Value.At
}

// optionError converts a fault of an option to an error with SQLSTATE and hint.
func optionError(err error, position int) error {
	var unknown *datasource.UnknownOptionError
	var invalid *datasource.InvalidOptionError
	var missing *datasource.MissingOptionError
	e := &Error{Code: pgcode.InvalidParameterValue, Message: err.Error(), Position: position}
	switch {
	case errors.As(err, &unknown):
		e.Code = pgcode.FDWInvalidOptionName
		e.Hint = suggestionHint(unknown.Key, datasource.Names()) + "valid options are: " + strings.Join(datasource.Names(), ", ")
	case errors.As(err, &invalid):
		if len(invalid.Choices) > 0 {
			e.Hint = "valid values are: " + strings.Join(invalid.Choices, ", ")
		}
	case errors.As(err, &missing):
		e.Hint = fmt.Sprintf("give it in: options (%s '…')", missing.Key)
	default:
		return err
	}
	return e
}

// suggestionHint returns the beginning of a hint that lists valid words: the valid word closest to
// the given one. It is empty if no word is close.
func suggestionHint(word string, valid []string) string {
	if hint := lang.Suggest(word, valid); strings.HasPrefix(hint, "did you mean") {
		return hint + " "
	}
	return ""
}
