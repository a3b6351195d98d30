package server

import (
	"context"
	"errors"
	"fmt"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/pipeline"
	"metadb/internal/source"
)

// errAltered restarts a stream after options for the connection were altered, or after origins
// were altered while events are parked.
var errAltered = errors.New("options were altered: connecting again")

// topicWaitingSource is a source that waits while there is nothing to read, such as no topic that
// matches, which is a state and no failure. It ends the run if fetching fails and the options for the connection were altered.
type topicWaitingSource struct {
	source   source.Source
	reporter *statusReporter
	// options are the options of the connection; restart ends the run.
	options *datasource.Options
	restart func(why error)
	// loggedFailure is the last failure in the log.
	loggedFailure string
}

var _ pipeline.Source = (*topicWaitingSource)(nil)

// Fetch implements pipeline.Source.
func (p *topicWaitingSource) Fetch(ctx context.Context) (change.Delivery, error) {
	for {
		delivery, err := p.source.Fetch(ctx)
		if err == nil {
			p.logFailure(delivery.Stopped)
			return delivery, nil
		}
		if ctx.Err() != nil {
			return delivery, err
		}
		p.checkOptions(ctx)
		if !errors.Is(err, source.ErrNothingToRead) {
			p.logFailure(err)
			return delivery, err
		}
		p.reporter.reportNoTopic(err)
	}
}

// Ack implements pipeline.Source.
func (p *topicWaitingSource) Ack(ctx context.Context, spans []change.Span) { p.source.Ack(ctx, spans) }

// Ends implements pipeline.Source.
func (p *topicWaitingSource) Ends(ctx context.Context, lanes []change.Lane) (map[change.Partition]int64, error) {
	return p.source.Ends(ctx, lanes)
}

// Pause implements pipeline.Source.
func (p *topicWaitingSource) Pause(parts []change.Partition) { p.source.Pause(parts) }

// logFailure logs a failure that differs from the last one. Nil means success.
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

// checkOptions ends the run if a new connection would have other options. If the options can't be
// read, they are read at the next failure.
func (p *topicWaitingSource) checkOptions(ctx context.Context) {
	now, err := datasource.Load(ctx, p.reporter.pool, p.options.Name)
	if err != nil {
		return
	}
	if fresh, err := withLiveOptions(p.options, now); err == nil && *fresh != *p.options {
		p.restart(errAltered)
	}
}
