package command_test

import (
	"strings"
	"testing"

	"metadb/internal/admin/command"
)

// TestVerifyConsistency checks that the result has one row for each finding, or a notice that there
// are no findings, and that progress is shown meanwhile.
func TestVerifyConsistency(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.expect("verify consistency", "NOTICE no inconsistency found\nVERIFY CONSISTENCY")
	f.sql("INSERT INTO metadb.auth (username) VALUES ('nobody')")
	f.expect("verify consistency", "metadb.auth|user without a role|1|nobody\nVERIFY CONSISTENCY")
	// This table lacks nearly all columns and relations.
	f.library("patron")
	f.expect("verify consistency", `WARNING table library.patron__ could not be verified: look for more than one current row of a key: ERROR: column "__origin" does not exist`)
	if !strings.Contains(f.log.String(), "verify consistency: ") {
		t.Errorf("the log lacks it: %s", f.log.String())
	}
	var shown []string
	ctx := command.WithProgress(t.Context(), func(n command.Notice) { shown = append(shown, n.Message) })
	if _, err := f.Exec(ctx, f.parse("verify consistency")[0].Command); err != nil || strings.Join(shown, ", ") != "verifying: 0 of 1 table" {
		t.Errorf("%v, progress %q", err, shown)
	}
}
