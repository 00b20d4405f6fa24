// Command tsgen writes the types of the API as TypeScript for the page. Run it with "go generate
// ./dashboards/api". With -check it writes nothing and fails if the file is out of date.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/heliograph-net/heliograph/dashboards/internal/schema"
)

func main() {
	dir := flag.String("api", ".", "directory of the Go types")
	out := flag.String("out", "", "the TypeScript `file`")
	check := flag.Bool("check", false, "compare instead of writing")
	flag.Parse()
	if err := run(*dir, *out, *check); err != nil {
		fmt.Fprintln(os.Stderr, "tsgen:", err)
		os.Exit(1)
	}
}

func run(dir, out string, check bool) error {
	if out == "" {
		return errors.New("-out names no file")
	}
	types, err := schema.Parse(dir)
	if err != nil {
		return err
	}
	if len(types) == 0 {
		return fmt.Errorf("%s holds no types", dir)
	}
	text := schema.TypeScript(types)
	if !check {
		return os.WriteFile(out, []byte(text), 0o644)
	}
	have, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	if string(have) != text {
		return fmt.Errorf("%s is not what the Go types are; run go generate ./dashboards/api, then npm run build in dashboards/web", out)
	}
	return nil
}
