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

// topicWaitingSource waits on where no topic matches yet, which is a state and no
// failure, and gives a broker that fails up when another one has been named.
type topicWaitingSource struct {
	*kafka.Source
	reporter *statusReporter
	// options are those that the connection was made with; renew ends the run.
	options *datasource.Options
	restart func(why error)
	// loggedFailure is the last one that the log has said.
	loggedFailure string
}

var _ pipeline.Source = (*topicWaitingSource)(nil)

// Fetch implements pipeline.Source.
func (p *topicWaitingSource) Fetch(ctx context.Context) (change.Delivery, error) {
	for {
		delivery, err := p.Source.Fetch(ctx)
		if err == nil {
			p.logFailure(delivery.Stopped)
			return delivery, nil
		}
		if ctx.Err() != nil {
			return delivery, err
		}
		p.checkOptions(ctx)
		if !errors.Is(err, kafka.ErrNoTopic) {
			p.logFailure(err)
			return delivery, err
		}
		p.reporter.reportNoTopic(err)
	}
}

// logFailure logs a failure that is another one than the last. Nil is none.
func (p *topicWaitingSource) logFailure(err error) {
	if err == nil {
		p.loggedFailure = ""
		return
	}
	if text := err.Error(); text != p.loggedFailure {
		p.loggedFailure = text
		p.reporter.logger.Warn(fmt.Sprintf("source %q: %s", p.options.Name, text))
	}
}

// checkOptions ends the run if a new connection would be another one. What
// can't be read is read at the next failure.
func (p *topicWaitingSource) checkOptions(ctx context.Context) {
	now, err := datasource.Load(ctx, p.reporter.pool, p.options.Name)
	if err != nil {
		return
	}
	if fresh, err := withLiveOptions(p.options, now); err == nil && *fresh != *p.options {
		p.restart(errAltered)
	}
}
