package pipeline

import (
	"context"
	"fmt"
	"maps"

	"metadb/internal/change"
	"metadb/internal/pipeline/batch"
)

// checkStalled advances the time, and stops waiting for idle partitions with a broker that
// answers. It is called once in each interval.
func (p *pipeline) checkStalled(ctx context.Context, b *batch.Batch) {
	stalled := p.gate.Stalled(p.parking.pausedLanes())
	if len(stalled) == 0 {
		return
	}
	ends, err := p.Source.Ends(ctx, nil)
	if err != nil { // of some of them, or of all
		maps.DeleteFunc(stalled, func(part change.Partition, _ int64) bool {
			_, answers := ends[part]
			return !answers
		})
	}
	if len(stalled) == 0 {
		return
	}
	released, elsewhere := p.gate.ReleaseStalled(stalled, ends)
	for part, end := range stalled {
		switch {
		case !elsewhere[part]:
			p.Logger.Warn(fmt.Sprintf("%s%s has no record before its end, %d: what waited for it goes on", p.logPrefix(), part, end))
		case !p.assignedElsewhere[part]:
			p.Logger.Warn(fmt.Sprintf("%s%s is not given to this server: the end of the snapshot waits for it (has its consumer group another member?)",
				p.logPrefix(), part))
		}
	}
	p.assignedElsewhere = elsewhere
	p.addToBatch(b, released)
	p.fetchEnds(ctx, b)
}

// releaseUnpaired releases inserts with deletes that did not arrive in time, and logs their partitions. It is called once in each
// interval.
func (p *pipeline) releaseUnpaired(b *batch.Batch) {
	released, parts := p.gate.ReleaseUnpaired()
	for _, part := range parts {
		p.Logger.Warn(fmt.Sprintf("%s%s has changes of key whose deletes do not come: they go on without them", p.logPrefix(), part))
	}
	p.addToBatch(b, released)
}
