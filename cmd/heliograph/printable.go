package main

import (
	"io"
	"strings"
	"unicode"
)

// printable replaces what a terminal would obey: strangers choose the names of targets, servers and
// certificates, and the texts of answers.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// printer writes texts that a terminal may show. Each Write must have whole characters.
type printer struct{ io.Writer }

func (p printer) Write(b []byte) (int, error) {
	if _, err := io.WriteString(p.Writer, printable(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}
