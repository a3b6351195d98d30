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

// TestProse has code and list items of one and two digits, with the lines that go on with them.
func TestProse(t *testing.T) {
	t.Parallel()
	lines := []string{
		"Text", "", "    code", "",
		"9. nine", "   goes on", "", "       code in it",
		"10. ten", "    goes on", "    | and on", "", "    after an empty line", "", "        code in it",
		"    - inner", "      goes on", "", "          code in it",
		"", "Text again", "", "    code", "",
		"- item", "", "      code in it", "", "  goes on", "## Heading", "    code",
	}
	d := parseDocument("page.md", strings.Join(lines, "\n"))
	for i, line := range lines {
		if want := strings.Contains(line, "code"); (d.prose[i] == "" && line != "") != want {
			t.Errorf("line %d, %q: it is code: %t", i+1, line, want)
		}
	}
}
