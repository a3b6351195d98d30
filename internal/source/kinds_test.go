package source_test

import (
	"errors"
	"log/slog"
	"slices"
	"testing"

	"metadb/internal/datasource"
	"metadb/internal/debezium/connectjson"
	"metadb/internal/source"
	"metadb/internal/source/kafka"
)

// TestKinds composes the kinds as a server does: a kind more is a line more.
func TestKinds(t *testing.T) {
	decoder := func(*datasource.Options) (kafka.Decoder, error) {
		return connectjson.NewDecoder(connectjson.Config{}), nil
	}
	topics, log := kafka.NewKind(decoder, slog.New(slog.DiscardHandler)), (&ledger{}).kind()
	kinds, err := source.NewKinds(topics, log)
	if err != nil || !slices.Equal(kinds.Names(), []string{datasource.DefaultType, "ledger"}) {
		t.Fatalf("got %v, %v", kinds.Names(), err)
	}
	if kind, err := kinds.Find("ledger"); err != nil || kind.Name != "ledger" {
		t.Errorf("found %q, %v", kind.Name, err)
	}
	var unknown *source.UnknownKindError
	if _, err := kinds.Find("rabbit"); !errors.As(err, &unknown) || unknown.Name != "rabbit" {
		t.Errorf("found a kind that does not exist: %v", err)
	}
	unfinished := log
	unfinished.NewDecoder = nil
	for name, list := range map[string][]source.Kind{"twice": {topics, topics}, "incomplete": {unfinished}, "nameless": {{}}} {
		if _, err := source.NewKinds(list...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
