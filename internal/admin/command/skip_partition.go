package command

import (
	"context"
	"errors"
	"fmt"

	"metadb/internal/admin/lang"
	"metadb/internal/change"
	"metadb/internal/target/pgcode"
)

// SkipError is a refusal to move a partition to an offset.
type SkipError struct{ Reason string }

func (e *SkipError) Error() string { return e.Reason }

// skipPartition executes SKIP PARTITION.
func (e *Executor) skipPartition(ctx context.Context, c lang.SkipPartition) (*Result, error) {
	if e.Skip == nil {
		return nil, notSupportedError(c)
	}
	if err := e.checkSourceExists(ctx, c.Source); err != nil {
		return nil, err
	}
	part := change.Partition{Topic: c.Topic.Text, Number: c.Partition}
	missing, err := e.Skip(ctx, c.Source.Text, part, c.Offset)
	var refused *SkipError
	if errors.As(err, &refused) {
		return nil, &Error{Code: pgcode.InvalidParameterValue, Message: refused.Reason, Position: c.OffsetAt}
	}
	if err != nil {
		return nil, err
	}
	passed := change.Plural(missing, "record is", "records are")
	e.logChange("data source %q goes on at offset %d of %s, %s missing", c.Source.Text, c.Offset, part, passed)
	return tagResult("SKIP PARTITION").addNotice(fmt.Sprintf("%s missing: the tables of topic %s have to be read again, see \"list status\"", passed, change.PlainText(part.Topic))), nil
}
