package source

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"metadb/internal/change"
	"metadb/internal/datasource"
)

// ErrNothingToRead is the error while the options match nothing that could be read: no topic, no
// table.
var ErrNothingToRead = errors.New("nothing to read")

// Opener opens the source of one stream, again after each failure or change of options. It may
// keep in between what a source must not lose. It does not wait for the source's server: Fetch
// returns the error if it can't be reached.
type Opener func(Settings) (Source, error)

// Decoder decodes a record that was rejected and stored, to try it again. It never fails: what can't
// be decoded is a rejected event.
type Decoder func(at change.Position, record *change.Record) change.Event

// Kind is one way to read a data source.
type Kind struct {
	// Name is the type in CREATE DATA SOURCE.
	Name string
	// NewOpener returns the opener of a stream.
	NewOpener func() Opener
	// NewDecoder returns a decoder of stored records.
	NewDecoder func(o *datasource.Options) (Decoder, error)
	// Bounds requests the bounds of every partition of some topics, of all that the options match
	// for nil. Topics that do not exist are absent.
	Bounds func(ctx context.Context, o *datasource.Options, secrets datasource.Opener, topics []string) (map[change.Partition]Bounds, error)
}

// Kinds are the kinds of sources that a server can read.
type Kinds struct{ kinds []Kind }

// NewKinds returns the given kinds. Their names must differ, and none of their functions may be
// missing.
func NewKinds(kinds ...Kind) (Kinds, error) {
	for i, kind := range kinds {
		if kind.Name == "" || kind.NewOpener == nil || kind.NewDecoder == nil || kind.Bounds == nil {
			return Kinds{}, fmt.Errorf("kind %d of data sources, %q, is incomplete", i, kind.Name)
		}
		if slices.ContainsFunc(kinds[:i], func(other Kind) bool { return other.Name == kind.Name }) {
			return Kinds{}, fmt.Errorf("two kinds of data sources are named %q", kind.Name)
		}
	}
	return Kinds{kinds: slices.Clone(kinds)}, nil
}

// Names returns the names of the kinds, in the order in which they were given.
func (k Kinds) Names() []string {
	names := make([]string, len(k.kinds))
	for i, kind := range k.kinds {
		names[i] = kind.Name
	}
	return names
}

// UnknownKindError is the error for a name that no kind has.
type UnknownKindError struct{ Name string }

func (e *UnknownKindError) Error() string { return fmt.Sprintf("invalid data source type %q", e.Name) }

// Find returns the kind of a name. The error is an [UnknownKindError].
func (k Kinds) Find(name string) (Kind, error) {
	for _, kind := range k.kinds {
		if kind.Name == name {
			return kind, nil
		}
	}
	return Kind{}, &UnknownKindError{Name: name}
}
