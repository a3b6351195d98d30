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

// skipPartitionCommand is SKIP PARTITION T/N TO OFFSET O FOR DATA SOURCE S. The topic keeps its
// case, and may be in quotes of either kind.
func skipPartitionCommand() Command {
	return Command{
		Words: "skip partition", Claim: "skip",
		Purpose: "go on behind records of a topic that can't be read; they count as a gap",
		Syntax:  "skip partition TOPIC/NUMBER to offset OFFSET for data source NAME",
		Example: "skip partition sensor.library.patron/0 to offset 18 for data source sensor",
		Page:    "#records-that-cant-be-read",
		Lock:    LockStreams,
		Parse: func(p *lang.Parser) Statement {
			c := skipPartition{Topic: p.NamedOrQuoted("a topic", "/")}
			p.Expect("/")
			c.Partition = int32(p.Integer("the number of a partition", 32))
			p.Expect("to", "offset")
			c.OffsetAt = p.Position()
			c.Offset = p.Integer("an offset", 64)
			p.Expect("for", "data", "source")
			c.Source = p.Name("a data source")
			return c
		},
	}
}

type skipPartition struct {
	Topic     lang.Value
	Partition int32
	Offset    int64
	// OffsetAt is the offset's position, in characters of the query string from 1.
	OffsetAt int
	Source   lang.Name
}

func (c skipPartition) String() string {
	return fmt.Sprintf("skip partition %s/%d to offset %d for data source %s", c.Topic, c.Partition, c.Offset, c.Source)
}

// Run executes SKIP PARTITION.
func (c skipPartition) Run(ctx context.Context, srv *Services) (*Result, error) {
	if srv.Skip == nil {
		return nil, notSupportedError(c)
	}
	if err := srv.checkSourceExists(ctx, c.Source); err != nil {
		return nil, err
	}
	part := change.Partition{Topic: c.Topic.Text, Number: c.Partition}
	missing, err := srv.Skip(ctx, c.Source.Text, part, c.Offset)
	var refused *SkipError
	if errors.As(err, &refused) {
		return nil, &Error{Code: pgcode.InvalidParameterValue, Message: refused.Reason, Position: c.OffsetAt}
	}
	if err != nil {
		return nil, err
	}
	passed := change.Plural(missing, "record is", "records are")
	srv.logChange("data source %q goes on at offset %d of %s, %s missing", c.Source.Text, c.Offset, part, passed)
	return tagResult("SKIP PARTITION").addNotice(fmt.Sprintf("%s missing: the tables of topic %s have to be read again, see \"list status\"", passed, change.PlainText(part.Topic))), nil
}
