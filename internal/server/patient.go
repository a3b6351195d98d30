package server

import (
	"context"
	"errors"
	"fmt"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/pipeline"
	"metadb/internal/source/kafka"
)

// errAltered says that options that are used at the next connection have been
// altered, and that the connection in use is no good.
var errAltered = errors.New("options were altered: connecting again")

// patientSource waits on where no topic matches yet, which is a state and no
// failure, and gives a broker that fails up when another one has been named.
type patientSource struct {
	*kafka.Source
	reporter *reporter
	// options are those that the connection was made with; renew ends the run.
	options *datasource.Options
	renew   func(why error)
	// failure is the last one that the log has said.
	failure string
}

var _ pipeline.Source = (*patientSource)(nil)

// Fetch implements pipeline.Source.
func (p *patientSource) Fetch(ctx context.Context) (change.Delivery, error) {
	for {
		delivery, err := p.Source.Fetch(ctx)
		if err == nil {
			p.say(delivery.Stopped)
			return delivery, nil
		}
		if ctx.Err() != nil {
			return delivery, err
		}
		p.lookAtOptions(ctx)
		if !errors.Is(err, kafka.ErrNoTopic) {
			p.say(err)
			return delivery, err
		}
		p.reporter.waiting(err)
	}
}

// say logs a failure that is another one than the last. Nil is none.
func (p *patientSource) say(err error) {
	if err == nil {
		p.failure = ""
		return
	}
	if text := err.Error(); text != p.failure {
		p.failure = text
		p.reporter.logger.Warn(fmt.Sprintf("source %q: %s", p.options.Name, text))
	}
}

// lookAtOptions ends the run if a new connection would be another one. What
// can't be read is read at the next failure.
func (p *patientSource) lookAtOptions(ctx context.Context) {
	now, err := datasource.Load(ctx, p.reporter.pool, p.options.Name)
	if err != nil {
		return
	}
	if fresh, err := refreshed(p.options, now); err == nil && *fresh != *p.options {
		p.renew(errAltered)
	}
}
