package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// exitDeclined is the exit status where a question was not answered with yes.
const exitDeclined = 1

// declinedError says that a question was not answered with yes: exit status 1.
func declinedError() error {
	printMessage("nothing changed")
	return &exitError{status: exitDeclined}
}

// askTerminal puts a question to the person at the terminal. Yes is y or yes. Where no
// terminal is attached nobody can answer: that is an error.
func askTerminal(question string) (bool, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return false, errors.New("no terminal is attached to answer a question: use --force")
	}
	fmt.Fprint(os.Stderr, question)
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}
