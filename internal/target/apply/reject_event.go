package apply

import (
	"strconv"

	"metadb/internal/change"
	"metadb/internal/target/history"
	"metadb/internal/target/rejected"
)

// maxRejectionsLogged is the number of rejections of a batch that are reported for the log. All of
// them are stored.
const maxRejectionsLogged = 5

// rejectEvent notes that an event of the batch is rejected, and the reason.
func (r *batchTx) rejectEvent(event int, kind change.RejectKind, reason string) *rejected.Event {
	e := &r.batch.Events[event]
	r.outcome.Rejected++
	r.outcome.ByReason[kind]++
	if len(r.outcome.Rejections) < maxRejectionsLogged {
		r.outcome.Rejections = append(r.outcome.Rejections, change.Rejection{Position: e.Position, Table: e.Table, Kind: kind, Reason: reason})
	}
	return r.rejected.Add(e, event, kind, reason, r.supersededAt(e))
}

// supersededAt returns the time at which a retried or late event was superseded, or nil.
func (r *batchTx) supersededAt(e *change.Event) *change.Micros {
	if later, late := r.supersededBy[e.Position]; late {
		return &later.At
	}
	if rej := r.retried[e.Position]; rej != nil {
		return rej.SupersededAt
	}
	return nil
}

// rejectBlocked rejects the blocked events of a chunk and returns a chunk with the others.
func (r *batchTx) rejectBlocked(c *history.Chunk) *history.Chunk {
	if !r.rejected.HasKeys() || c.Truncate {
		return c
	}
	kept := *c
	kept.Events = make([]int, 0, len(c.Events))
	for _, i := range c.Events {
		e := &r.batch.Events[i]
		offset, waiting := r.rejected.BlockedBy(e, r.supersededAt(e))
		if !waiting {
			r.rejected.AddApplied(e)
			kept.Events = append(kept.Events, i)
			continue
		}
		r.outcome.Applied--
		r.outcome.ByOp[e.Op]--
		r.rejectEvent(i, change.BlockedByOther, "waits for offset "+strconv.FormatInt(offset, 10)).Unconfirmed = e.Confirm
		if e.Confirm {
			r.rejectsWithKey = append(r.rejectsWithKey, len(r.rejected.Events)-1)
		}
	}
	return &kept
}
