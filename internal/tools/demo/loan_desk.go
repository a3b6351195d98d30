package demo

import (
	"context"
	"errors"
	"time"

	"metadb/internal/testkit/testbed"
)

// loanDesk changes the library, one transaction after the other, and writes the records to the broker
// as a connector would.
type loanDesk struct {
	cancel context.CancelFunc
	done   chan error
}

// openDesk starts the desk, which works until close or until the context ends.
func openDesk(ctx context.Context, library *Library, producer *testbed.Producer) *loanDesk {
	ctx, cancel := context.WithCancel(ctx)
	d := &loanDesk{cancel: cancel, done: make(chan error, 1)}
	go func() { d.done <- serveLoans(ctx, library, producer) }()
	return d
}

func serveLoans(ctx context.Context, library *Library, producer *testbed.Producer) error {
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
			// Records of a change in the library are written even if the demo ends meanwhile.
			if err := producer.Write(context.WithoutCancel(ctx), records...); err != nil {
				return err
			}
		}
	}
}

// closeDesk stops the work and returns its error. It may be called again.
func (d *loanDesk) closeDesk() error {
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
