package logging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLines(t *testing.T) {
	at := time.Date(2026, 11, 22, 7, 1, 54, 987_000_000, time.FixedZone("", 3600))
	for want, log := range map[string]struct {
		level   slog.Level
		message string
		attrs   []any
	}{
		"INFO:  starting":                              {slog.LevelInfo, "starting", nil},
		"DEBUG:  detail":                               {slog.LevelDebug, "detail", nil},
		"WARNING:  careful (topic=a.b, offset=7)":      {slog.LevelWarn, "careful", []any{"topic", "a.b", "offset", 7}},
		`ERROR:  two lines (reason="x, y")`:            {slog.LevelError, "two\nlines", []any{"reason", "x, y"}},
		"FATAL:  over (err=boom)":                      {LevelFatal, "over", []any{"err", errors.New("boom")}},
		`INFO:  groups (table.name=t, table.empty="")`: {slog.LevelInfo, "groups", []any{slog.Group("table", "name", "t", "empty", "")}},
	} {
		var out bytes.Buffer
		record := slog.NewRecord(at, log.level, log.message, 0)
		record.Add(log.attrs...)
		if err := NewHandler(&out, slog.LevelDebug).Handle(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != "2026-11-22 06:01:54 UTC  "+want+"\n" {
			t.Errorf("got  %swant %s", got, want)
		}
	}
}

func TestDerivedHandlers(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(Tee{NewHandler(&out, slog.LevelInfo)}).With("source", "sensor").WithGroup("kafka").With("broker", 1)
	logger.Debug("not shown")
	logger.Info("connected")
	if got := out.String(); !bytes.HasSuffix([]byte(got), []byte("  INFO:  connected (source=sensor, kafka.broker=1)\n")) {
		t.Errorf("got %q", got)
	}
}

func TestFileIsAppendedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metadb.log")
	for range 2 {
		file, err := OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		slog.New(NewHandler(file, slog.LevelInfo)).Info("line")
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	const line = "2026-11-22 06:01:54 UTC  INFO:  line\n"
	if info.Size() != int64(2*len(line)) {
		t.Errorf("the file has %d bytes", info.Size())
	}
}

func TestTableStoresInOrder(t *testing.T) {
	var stored []Line
	table := NewTable(func(_ context.Context, lines []Line) error {
		stored = append(stored, lines...)
		return nil
	})
	logger := slog.New(table).With("source", "s")
	logger.Debug("not stored")
	const n = 2 * maxWrittenLines
	for i := range n {
		logger.Info(fmt.Sprint(i))
	}
	if err := table.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(stored) != n {
		t.Fatalf("%d lines", len(stored))
	}
	for i, line := range stored {
		if want := fmt.Sprintf("%d (source=s)", i); line.Text != want || line.Severity != "INFO" {
			t.Fatalf("line %d is %+v", i, line)
		}
	}
}

// TestTableNeverWaits logs more lines than the queue holds while the database hangs.
func TestTableNeverWaits(t *testing.T) {
	release := make(chan struct{})
	var stored []Line
	table := NewTable(func(ctx context.Context, lines []Line) error {
		select {
		case <-release:
		case <-ctx.Done():
			return ctx.Err()
		}
		stored = append(stored, lines...)
		return nil
	})
	logger := slog.New(table)
	for range maxQueuedLines + 10 {
		logger.Warn("line")
	}
	close(release)
	if err := table.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(stored) < maxQueuedLines || len(stored) > maxQueuedLines+10 {
		t.Errorf("%d lines", len(stored))
	}
}

func TestCloseGivesUp(t *testing.T) {
	table := NewTable(func(ctx context.Context, _ []Line) error {
		<-ctx.Done()
		return ctx.Err()
	})
	slog.New(table).Info("line")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := table.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
