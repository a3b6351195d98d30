package doctest

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// BlockKind is the kind of a block, and so the program that runs it. It is the info string of
// the fence.
type BlockKind string

// The kinds of blocks that are run or compared, and of diagrams. An indented block is prose.
const (
	// Shell is run by a shell, in the folder of the page's session.
	Shell BlockKind = "sh"
	// Admin is sent to the administration port.
	Admin BlockKind = "sql admin"
	// Superuser is sent to the database server as its superuser.
	Superuser BlockKind = "sql superuser"
	// Query is sent to the analytics database.
	Query BlockKind = "sql"
	// Console is a session of psql in the analytics database: statements after a prompt, each
	// followed by the output that psql has to print.
	Console BlockKind = "psql"
	// Diagram is a picture that Markdown viewers draw. It is not run.
	Diagram BlockKind = "mermaid"
	// Config is the new content of metadb.conf.
	Config BlockKind = "ini metadb.conf"
	// Log lists texts that the server's log must come to contain.
	Log BlockKind = "log"
	// Connector is the configuration of a Debezium connector. The kinds from here on are for a
	// source and its connector: package e2e runs them.
	Connector BlockKind = "properties"
	// Source is run by psql at the source, as its superuser.
	Source BlockKind = "sql source"
	// SourceConfig has lines of the source's postgresql.conf.
	SourceConfig BlockKind = "ini postgresql.conf"
	// SourceAccess has lines of the source's pg_hba.conf.
	SourceAccess BlockKind = "ini pg_hba.conf"
)

// Block is one fenced block of a page.
type Block struct {
	Kind BlockKind
	Text string
	// Line is the number of the block's first line, for messages.
	Line int
}

// ParsePage returns the fenced blocks of a page in order. A fence that is not closed or has an
// unknown kind is an error, so that no block stays untested by mistake.
func ParsePage(page io.Reader) ([]Block, error) {
	var blocks []Block
	var open *Block
	lines := bufio.NewScanner(page)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &Block{Kind: BlockKind(info), Line: number + 1}
			if !open.Kind.isKnownKind() {
				return nil, fmt.Errorf("line %d: unknown kind of block %q", number, info)
			}
		case fence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.Text += line + "\n"
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: block is not closed", open.Line-1)
	}
	return blocks, nil
}

func (k BlockKind) isKnownKind() bool {
	switch k {
	case Shell, Admin, Superuser, Query, Console, Diagram, Config, Log, Connector, Source, SourceConfig, SourceAccess:
		return true
	}
	return false
}
