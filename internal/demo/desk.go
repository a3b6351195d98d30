package demo

import (
	"context"
	"errors"
	"time"

	"metadb/internal/rig"
)

// desk lets the library live: one transaction after the other, written to the
// broker as a connector would.
type desk struct {
	cancel context.CancelFunc
	done   chan error
}

// openDesk begins. The desk is closed by close, or by the context's end.
func openDesk(ctx context.Context, library *Library, producer *rig.Producer) *desk {
	ctx, cancel := context.WithCancel(ctx)
	d := &desk{cancel: cancel, done: make(chan error, 1)}
	go func() { d.done <- work(ctx, library, producer) }()
	return d
}

func work(ctx context.Context, library *Library, producer *rig.Producer) error {
	tick := time.NewTicker(stepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			records, err := library.Step(now)
			if err != nil {
				return err
			}
			// What the library did is written even if the demo ends meanwhile.
			if err := producer.Write(context.WithoutCancel(ctx), records...); err != nil {
				return err
			}
		}
	}
}

// close ends the work and returns its error. It may be called again.
func (d *desk) close() error {
	d.cancel()
	err, open := <-d.done
	if open {
		close(d.done)
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
