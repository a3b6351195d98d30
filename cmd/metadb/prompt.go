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

// exitDeclined is the exit status after a question without the answer yes.
const exitDeclined = 1

// declinedError prints that nothing changed, and returns the error with that exit status.
func declinedError() error {
	printMessage("nothing changed")
	return &exitError{status: exitDeclined}
}

// askTerminal prints a question on the terminal and reads the answer: y and yes are true. It
// returns an error if no terminal is attached.
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
