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

// optionAction is the effect of an option in ALTER DATA SOURCE.
type optionAction uint8

// The actions. An option without a word is addOption.
const (
	addOption optionAction = iota
	setOption
	dropOption
)

// option is one element of OPTIONS (…).
type option struct {
	Action optionAction
	Key    lang.Name
	// Value is empty for dropOption.
	Value lang.Value
}

// String returns the option as it is given in ALTER DATA SOURCE, where ADD needs no word.
func (o option) String() string {
	value := o.Value.String()
	if strings.Contains(o.Key.Text, "password") {
		value = lang.HiddenText
	}
	switch o.Action {
	case setOption:
		return fmt.Sprintf("set %s %s", o.Key, value)
	case dropOption:
		return fmt.Sprintf("drop %s", o.Key)
	case addOption:
	}
	return fmt.Sprintf("%s %s", o.Key, value)
}

// parseOptions parses (option [, …]); actions means that an option may begin with ADD, SET or DROP.
func parseOptions(p *lang.Parser, actions bool) []option {
	var list []option
	p.List(func() { list = append(list, parseOption(p, actions)) })
	return list
}

func parseOption(p *lang.Parser, actions bool) option {
	o := option{Key: p.Name("an option")}
	if actions && p.IsName() {
		switch o.Key.Text {
		case "add":
			o = option{Action: addOption, Key: p.Name("an option")}
		case "set":
			o = option{Action: setOption, Key: p.Name("an option")}
		case "drop":
			return option{Action: dropOption, Key: p.Name("an option")}
		}
	}
	o.Value = p.Value("a value")
	return o
}

// canonicalOptions returns the options with their documented names.
func canonicalOptions(options []option) []option {
	list := slices.Clone(options)
	for i := range list {
		list[i].Key.Text = datasource.Canonical(list[i].Key.Text)
	}
	return list
}

// applyOptions changes options according to OPTIONS (…), with PostgreSQL's rules for ADD, SET and
// DROP: ADD needs an option without a value, the others need one with a value.
// https://www.postgresql.org/docs/current/sql-alterserver.html
func applyOptions(o *datasource.Options, changes []option) error {
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

func applyOption(o *datasource.Options, c option) error {
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
	case c.Action == addOption && has:
		return &Error{
			Code: pgcode.DuplicateObject, Message: fmt.Sprintf("option \"%s\" already has a value", key),
			Hint: fmt.Sprintf("use: set %s '…'", key), Position: c.Key.At,
		}
	case c.Action != addOption && !has:
		return &Error{
			Code: pgcode.UndefinedObject, Message: fmt.Sprintf("option \"%s\" has no value", key),
			Hint: fmt.Sprintf("use: add %s '…'", key), Position: c.Key.At,
		}
	case c.Action == dropOption:
		return o.Unset(key)
	}
	return nil
}

// faultPosition returns the position of an option's fault: its name if that is unknown, otherwise
// its value.
func faultPosition(c option, err error) int {
	var unknown *datasource.UnknownOptionError
	if errors.As(err, &unknown) || c.Action == dropOption {
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
