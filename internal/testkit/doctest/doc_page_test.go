package doctest

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const page = "# Page\n\n```sh\nmetadb version\n```\n\n    indented prose\n\n```sql admin\nlist\nstatus;\n```\n"
	got, err := ParsePage(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	want := []Block{
		{Kind: Shell, Text: "metadb version\n", Line: 4},
		{Kind: Admin, Text: "list\nstatus;\n", Line: 10},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseErrors(t *testing.T) {
	for name, test := range map[string]struct{ page, want string }{
		"not closed":   {"text\n```sh\nmetadb version\n", "line 2: block is not closed"},
		"unknown kind": {"```basic\n10 goto 10\n```\n", `line 1: unknown kind of block "basic"`},
		"no kind":      {"```\nmetadb version\n```\n", `line 1: unknown kind of block ""`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParsePage(strings.NewReader(test.page))
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
