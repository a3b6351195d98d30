package pipeline

import (
	"cmp"
	"sync"
)

// streamHealth combines the failures of the stages: the stream is healthy while no stage
// fails, and each failure lasts until its own stage works again.
type streamHealth struct {
	mu       sync.Mutex
	failures [stages]error
	// hasFetched says that fetching has worked at least once. While a source waits
	// for its first topic it has not, without a failure.
	hasFetched bool
}

// stage is a part of the pipeline that may fail by itself.
type stage int

const (
	fetchStage stage = iota
	applyStage
	parkStage
	stages
)

// setStage sets the failure of a stage, nil for a stage that works. It reports whether the
// failure's text is new, and returns the failure of the stream, nil if it is healthy.
func (h *streamHealth) setStage(of stage, err error) (news bool, failure error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	news = errorText(h.failures[of]) != errorText(err)
	h.failures[of] = err
	h.hasFetched = h.hasFetched || of == fetchStage && err == nil
	return news, h.worstFailure()
}

// isHealthy reports whether the stream is active: fetching has worked, and no stage
// fails.
func (h *streamHealth) isHealthy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hasFetched && h.worstFailure() == nil
}

// worstFailure returns the failure to report: that of applying first, since fetched
// events can't be stored; that of parked tables last.
func (h *streamHealth) worstFailure() error {
	return cmp.Or(h.failures[applyStage], h.failures[fetchStage], h.failures[parkStage])
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// reportHealth reports the state of a stage, and logs failures of applying and the end of
// a failure. The source itself logs failures of fetching.
func (p *pipeline) reportHealth(of stage, err error) {
	news, failure := p.health.setStage(of, err)
	if failure != nil {
		p.Reporter.Failed(failure)
	} else {
		p.Reporter.Active()
	}
	switch {
	case !news, of == parkStage:
	case err == nil:
		p.Logger.Info(p.logPrefix() + "the stream goes on")
	case of == applyStage:
		p.Logger.Warn(p.logPrefix() + "batch rolled back, trying again: " + err.Error())
	}
}
