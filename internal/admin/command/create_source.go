package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/lang"
	"metadb/internal/datasource"
	"metadb/internal/target/pgcode"
)

// createSourceCommand is CREATE DATA SOURCE NAME TYPE KAFKA OPTIONS (…).
func createSourceCommand() Command {
	return Command{
		Words: "create data source", Claim: "create data",
		Purpose: "define a data source and begin streaming",
		Syntax:  "create data source NAME type kafka options (OPTION 'VALUE', …)",
		Example: "create data source sensor type kafka options (brokers 'kafka:9092', topics '^sensor\\.', consumer_group 'metadb')",
		Page:    "data-sources.md",
		Lock:    LockStreams,
		Parse: func(p *lang.Parser) Statement {
			c := createSource{Name: p.Name("a name")}
			p.Expect("type")
			c.Type = p.Name(`"kafka"`)
			if p.Accept("options") {
				c.Options = parseOptions(p, false)
			}
			return c
		},
	}
}

type createSource struct {
	Name, Type lang.Name
	Options    []option
}

func (c createSource) String() string {
	if len(c.Options) == 0 {
		return fmt.Sprintf("create data source %s type %s", c.Name, c.Type)
	}
	return fmt.Sprintf("create data source %s type %s options (%s)", c.Name, c.Type, lang.Join(c.Options))
}

// Run stores a data source and starts its stream. It is no error if the stream can't
// connect yet: it tries again, and LIST STATUS has the reason.
func (c createSource) Run(ctx context.Context, srv *Services) (*Result, error) {
	if !slices.Contains(srv.SourceTypes, c.Type.Text) {
		return nil, &Error{
			Code: pgcode.InvalidParameterValue, Message: fmt.Sprintf("invalid data source type \"%s\"", c.Type.Text),
			Hint: `the type is "` + strings.Join(srv.SourceTypes, `" or "`) + `"`, Position: c.Type.At,
		}
	}
	if err := datasource.ValidateName(c.Name.Text); err != nil {
		return nil, optionError(err, c.Name.At)
	}
	c.Options = canonicalOptions(c.Options)
	options := datasource.New(c.Name.Text)
	options.Type = c.Type.Text
	if err := applyOptions(options, initialOptions(c.Options)); err != nil {
		return nil, err
	}
	if err := options.Validate(); err != nil {
		return nil, optionError(err, c.Name.At)
	}
	err := srv.withoutStatementLogging(ctx, func(tx pgx.Tx) error {
		if err := checkGroup(ctx, tx, options, c.Options); err != nil {
			return err
		}
		if err := srv.sealPassword(options); err != nil {
			return err
		}
		return datasource.Insert(ctx, tx, options)
	})
	if errors.Is(err, datasource.ErrExists) {
		return nil, duplicateError("data source", c.Name)
	}
	if err != nil {
		return nil, err
	}
	srv.logChange("data source %q created", c.Name.Text)
	result := tagResult("CREATE DATA SOURCE")
	// The data source is stored, so the start must not be canceled.
	if err := srv.Control.StartSource(context.WithoutCancel(ctx), c.Name.Text); err != nil {
		return result.addWarning(fmt.Sprintf("data source \"%s\" was created but could not be started: %v", c.Name.Text, err)), nil
	}
	return result, nil
}

// initialOptions returns the options of CREATE as changes to a source without options: the default
// of an option does not count as a given value.
func initialOptions(options []option) []option {
	list := make([]option, len(options))
	for i, option := range options {
		if option.Key.Text == "security" {
			option.Action = setOption
		}
		list[i] = option
	}
	return list
}

// valuePosition returns the position of an option's value, 0 if the option is not given.
func valuePosition(key string, given []option) int {
	for _, option := range given {
		if option.Key.Text == key {
			return option.Value.At
		}
	}
	return 0
}

// checkGroup refuses a consumer group that another data source uses: Kafka would divide the
// partitions between the two.
func checkGroup(ctx context.Context, tx pgx.Tx, o *datasource.Options, given []option) error {
	others, err := datasource.LoadAll(ctx, tx)
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.Name != o.Name && other.ConsumerGroup == o.ConsumerGroup && other.Brokers == o.Brokers {
			return &Error{
				Code:    pgcode.DuplicateObject,
				Message: fmt.Sprintf("consumer group \"%s\" is used by data source \"%s\"", o.ConsumerGroup, other.Name),
				Hint:    "every data source needs a consumer group of its own", Position: valuePosition("consumer_group", given),
			}
		}
	}
	return nil
}
