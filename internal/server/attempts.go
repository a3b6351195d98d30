package server

import (
	"context"
	"fmt"

	"metadb/internal/change"
)

// observed has the stream see what a batch that was applied has told of attempts of
// snapshots: where one has begun, the snapshot is not complete any more, and rows are
// counted again. If that can't be read, it is read before the next batch.
func (s *stream) observed(ctx context.Context, batch *change.Batch) {
	noted, anew := false, false
	for _, news := range batch.Snapshots {
		noted, anew = noted || news.Noted || news.Keeps, anew || news.Anew
	}
	if !noted {
		return
	}
	if err := s.loadScope(context.WithoutCancel(ctx)); err != nil {
		s.logger.Warn(fmt.Sprintf("source %q: %v", s.captured.Name, err))
		return
	}
	if anew {
		s.countConfirmed()
	}
}
