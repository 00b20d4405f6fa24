package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/heliograph-net/heliograph/dashboards/access"
)

type passwordCmd struct{}

// Run reads a password from standard input, without showing it if that is a terminal, and prints
// its hash.
func (*passwordCmd) Run(out *output) error {
	password, err := readPassword(os.Stdin, out.stderr)
	if err != nil {
		return err
	}
	hash, err := access.Hash(password)
	if err != nil {
		return &exitError{exitUsage, err.Error()}
	}
	_, err = fmt.Fprintln(out.stdout, hash)
	return err
}

func readPassword(in *os.File, prompt io.Writer) (string, error) {
	if term.IsTerminal(int(in.Fd())) {
		fmt.Fprintf(prompt, "Password, at least %d characters: ", access.MinPassword)
		first, err := term.ReadPassword(int(in.Fd()))
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		fmt.Fprint(prompt, "\nOnce more: ")
		again, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(prompt)
		if err == nil && string(first) != string(again) {
			err = &exitError{exitUsage, "the two differ"}
		}
		return string(first), err
	}
	line, err := bufio.NewReaderSize(io.LimitReader(in, 4096), 4096).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
