package main

import (
	"io"
	"os"
)

// isTerminal reports whether somebody reads on w what is written: a character device, not a file or
// a pipe.
func isTerminal(w io.Writer) bool {
	if p, ok := w.(printer); ok {
		w = p.Writer
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// coloured reports whether text on w gets colours: as asked for, and if nothing was, only on a
// terminal. With NO_COLOR in the environment it never does (no-color.org).
func coloured(w io.Writer, asked *bool) bool {
	switch {
	case os.Getenv("NO_COLOR") != "":
		return false
	case asked != nil:
		return *asked
	default:
		return isTerminal(w) && os.Getenv("TERM") != "dumb"
	}
}
