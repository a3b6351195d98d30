package doctest

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestParseDocument(t *testing.T) {
	t.Parallel()
	d := parseDocument("pages/page.md", strings.Join([]string{
		"# Records that can't be read", "## `list status`, and more", "```sh", "# no heading", "```", "    # code", "## Limits", "## Limits", "#hashtag",
	}, "\n"))
	want := []string{"limits", "limits-1", "list-status-and-more", "records-that-cant-be-read"}
	if got := slices.Sorted(maps.Keys(d.anchors)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	all := map[string]*document{"pages/page.md": parseDocument("pages/page.md", "# One")}
	for target, want := range map[string]string{
		"pages/page.md":     "",
		"pages/page.md#one": "",
		"pages/page.md#two": "there is no heading #two in pages/page.md",
		"pages/none.md":     "there is no file pages/none.md",
		"go.mod":            "",
	} {
		if got := resolve(all, target); got != want {
			t.Errorf("%s: got %q, want %q", target, got, want)
		}
	}
}

func TestIsTooLong(t *testing.T) {
	t.Parallel()
	words := strings.Repeat("äöü ", 30)
	for line, want := range map[string]bool{
		words:                            false,
		words + "x y":                    true,
		"| " + words + "x |":             false,
		"- " + strings.Repeat("x", 130):  false,
		"a " + strings.Repeat("x", 130):  true,
		"see " + strings.Repeat("x", 80): false,
	} {
		if got := isTooLong(line); got != want {
			t.Errorf("%q: got %v, want %v", line, got, want)
		}
	}
}
