package scenario

import (
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// Step is one section of a scenario file.
type Step struct {
	// Kind is the first word of the section's name, Subject the rest.
	Kind, Subject string
	// Body is the section's text.
	Body string
}

// Kinds of steps.
const (
	KindOptions   = "options"
	KindEvents    = "events"
	KindTable     = "table"
	KindColumns   = "columns"
	KindRelations = "relations"
	KindRejected  = "rejected"
	KindOutdated  = "outdated"
	KindWarnings  = "warnings"
	KindRestart   = "restart"
	KindSync      = "sync"
	KindEndsync   = "endsync"
	KindOrigins   = "origins"
	KindRetry     = "retry"
	KindCommands  = "commands"
)

// Script is a scenario file: a description, then its steps.
type Script struct {
	Comment string
	Steps   []Step
}

// ParseScript reads the text of a scenario file.
func ParseScript(text []byte) (*Script, error) {
	archive := txtar.Parse(text)
	script := &Script{Comment: string(archive.Comment)}
	for _, section := range archive.Files {
		kind, subject, _ := strings.Cut(section.Name, " ")
		switch kind {
		case KindOptions, KindEvents, KindTable, KindColumns, KindRelations, KindRejected, KindOutdated, KindWarnings, KindRestart, KindSync, KindEndsync,
			KindOrigins, KindRetry, KindCommands:
		default:
			return nil, fmt.Errorf("section %q: unknown kind %q", section.Name, kind)
		}
		script.Steps = append(script.Steps, Step{Kind: kind, Subject: subject, Body: string(section.Data)})
	}
	return script, nil
}

// Format returns the text of the scenario file.
func (s *Script) Format() []byte {
	archive := &txtar.Archive{Comment: []byte(s.Comment)}
	for _, step := range s.Steps {
		name := step.Kind
		if step.Subject != "" {
			name += " " + step.Subject
		}
		archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(step.Body)})
	}
	return txtar.Format(archive)
}
