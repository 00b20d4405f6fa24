// Command benchdetect measures detection and localisation on public data. It reads the data sets below
// the directory that HELIOGRAPH_DATA names, ../shared/data beside the repository by default, and says
// which are absent.
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// defaultData is the data beside the repository, from the directory of this module.
const defaultData = "../../../shared/data"

// part is one data set.
type part struct {
	dir  string
	what string
	run  func(w io.Writer, dir string) error
}

var parts = []part{
	{"rs", "localisation of 68 real cases of failing video sessions", localisation},
}

func main() {
	data := os.Getenv("HELIOGRAPH_DATA")
	if data == "" {
		data = defaultData
	}
	if err := run(os.Stdout, data); err != nil {
		fmt.Fprintln(os.Stderr, "benchdetect:", err)
		os.Exit(1)
	}
}

// run runs the parts whose data is there. The others are named and are no error.
func run(w io.Writer, data string) error {
	var all error
	for _, p := range parts {
		dir := filepath.Join(data, p.dir)
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(w, "%s: not measured, %s is absent; set HELIOGRAPH_DATA to the directory of the data\n\n", p.dir, dir)
			continue
		}
		fmt.Fprintf(w, "%s: %s\n", p.dir, p.what)
		if err := p.run(w, dir); err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", p.dir, err))
		}
		fmt.Fprintln(w)
	}
	return all
}
