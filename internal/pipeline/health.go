package pipeline

import (
	"cmp"
	"sync"
)

// health joins what fetching and applying say about the stream: it is well when
// both are, and each failure is said until its own side works again.
type health struct {
	mu       sync.Mutex
	failures [sides]error
	// fetched says that fetching has ever worked. While a source waits for
	// its first topic it has not, and has not failed either.
	fetched bool
}

// side is one end of the line.
type side int

const (
	fetching side = iota
	applying
	parking
	sides
)

// set notes how one side is, nil for well. It returns whether the side's own failure is
// news, which it is once for each wording, and the failure to report, nil if the stream
// is well.
func (h *health) set(of side, err error) (news bool, failure error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	news = said(h.failures[of]) != said(err)
	h.failures[of] = err
	h.fetched = h.fetched || of == fetching && err == nil
	return news, h.failure()
}

// well reports whether the stream is active: there is something to fetch, and
// neither side fails.
func (h *health) well() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fetched && h.failure() == nil
}

// failure prefers that of applying: what is fetched has to go somewhere. That
// single tables wait comes last.
func (h *health) failure() error {
	return cmp.Or(h.failures[applying], h.failures[fetching], h.failures[parking])
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// is tells the reporter how one side of the line is, and the log what it is that
// the database does not take, and when the stream goes on. Why fetching fails is
// the source's to log.
func (p *pipeline) is(of side, err error) {
	news, failure := p.health.set(of, err)
	if failure != nil {
		p.Reporter.Failed(failure)
	} else {
		p.Reporter.Active()
	}
	switch {
	case !news, of == parking:
	case err == nil:
		p.Logger.Info(p.subject() + "the stream goes on")
	case of == applying:
		p.Logger.Warn(p.subject() + "batch rolled back, trying again: " + err.Error())
	}
}
