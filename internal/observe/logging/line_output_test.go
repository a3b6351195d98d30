package logging_test

import (
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"

	"metadb/internal/observe/logging"
)

// disk takes bytes until it is full.
type disk struct {
	text strings.Builder
	free int
}

func (d *disk) Write(p []byte) (int, error) {
	n := min(len(p), d.free)
	d.text.Write(p[:n])
	if d.free -= n; n < len(p) {
		return n, fmt.Errorf("write metadb.log: %w", os.ErrInvalid)
	}
	return n, nil
}

// TestFullDisk checks that lines lost on a full disk are counted, and that the next line does not
// continue a partial one.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	const line = len("2026-11-22 06:01:54 UTC  INFO:  line 0\n")
	d := &disk{free: 2*line + 10}
	logger := slog.New(logging.NewHandler(d, slog.LevelInfo))
	say := func(from, to int) {
		for i := from; i < to; i++ {
			logger.Info(fmt.Sprintf("line %d", i))
		}
	}
	say(0, 6)
	d.free = 5 // not enough for the next line
	say(6, 7)
	d.free = 10_000
	say(7, 9)
	text := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`).ReplaceAllString(d.text.String(), "TIME")
	lines := strings.Split(text, "\n")
	want := []string{
		"TIME  INFO:  line 0", "TIME  INFO:  line 1", "", "", // the beginnings of two lines
		"TIME  WARNING:  lines missing or cut before this one, since they could not be written: 5 (write metadb.log: invalid argument)",
		"TIME  INFO:  line 7", "TIME  INFO:  line 8", "",
	}
	if len(lines) != len(want) {
		t.Fatalf("got\n%s", text)
	}
	for i, line := range lines {
		if want[i] != "" && line != want[i] {
			t.Errorf("line %d: %s", i, line)
		}
	}
}
