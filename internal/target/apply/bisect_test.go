package apply

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestStepAfterFailure checks that an SQLSTATE decides whether events are at fault. For an
// unsupported feature they are at fault only if a stage can't store them.
func TestStepAfterFailure(t *testing.T) {
	refused := func(code string) error { return fmt.Errorf("copy: %w", &pgconn.PgError{Code: code}) }
	staged := func(code string) error { return fmt.Errorf("apply: %w", &stageError{refused(code)}) }
	const one, two = false, true // several events
	known := tableProfile{keysNew: true}
	for _, c := range []struct {
		name    string
		several bool
		err     error
		tried   tableProfile
		want    failureStep
	}{
		{"value", one, refused("22P02"), known, rejectSingle},
		{"value among others", two, refused("22P02"), known, halveChunk},
		{"row too long", one, staged("54000"), tableProfile{}, rejectSingle},
		{"unsupported, by no stage", one, refused("0A000"), known, retryStaged},
		{"unsupported, among others", two, refused("0A000"), tableProfile{}, halveChunk},
		{"unsupported, among others, in a stage", two, staged("0A000"), tableProfile{}, halveChunk},
		{"unsupported in a stage", one, staged("0A000"), tableProfile{}, rejectSingle},
		{"unsupported after a stage", one, refused("0A000"), tableProfile{}, giveUp},
		{"rows gone", one, ErrRowGone, known, giveUp},
		{"rows gone, among others", two, fmt.Errorf("end: %w", ErrRowGone), known, halveChunk},
		{"lock", two, staged("55P03"), known, giveUp},
		{"connection", two, fmt.Errorf("closed"), known, giveUp},
	} {
		if got := stepAfterFailure(c.several, c.err, c.tried); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}
