package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func TestVersionFlag(t *testing.T) {
	code, stdout, _ := invoke(t, "--version")
	_, command, _ := invoke(t, "version")
	if code != 0 || stdout != command || !strings.HasPrefix(stdout, "heliograph "+version) {
		t.Errorf("exit %d, %q; the command says %q", code, stdout, command)
	}
}

// TestShellsComplete asks for completions as a shell does: the line in COMP_LINE, and the answer on
// standard output.
func TestShellsComplete(t *testing.T) {
	for line, want := range map[string]string{
		"heliograph quer":               "query",
		"heliograph policy s":           "sign",
		"heliograph query --ty":         "--type",
		"heliograph config check --rol": "--role",
	} {
		t.Setenv("COMP_LINE", line)
		if code, stdout, stderr := invoke(t); code != 0 || !strings.Contains("\n"+stdout, "\n"+want+"\n") {
			t.Errorf("%q: exit %d, %q %q, want %s", line, code, stdout, stderr, want)
		}
	}
	if err := os.Unsetenv("COMP_LINE"); err != nil {
		t.Fatal(err)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if code, stdout, stderr := invoke(t, "completion", "-c", shell); code != 0 || !strings.Contains(stdout, "heliograph") {
			t.Errorf("%s: exit %d, %q %q", shell, code, stdout, stderr)
		}
	}
}

func TestManualPage(t *testing.T) {
	code, stdout, _ := invoke(t, "man")
	for _, want := range []string{".TH HELIOGRAPH 1", "policy sign", "--since", "EXIT STATUS", "config check"} {
		if !strings.Contains(strings.ReplaceAll(stdout, `\-`, "-"), want) {
			t.Errorf("exit %d: the page lacks %q", code, want)
		}
	}
	if strings.Contains(stdout, "until") && strings.Contains(strings.ReplaceAll(stdout, `\-`, "-"), "--until-eof") {
		t.Error("the page shows a hidden flag")
	}
}

var update = flag.Bool("update", false, "write docs/cli.md")

// TestCLIDocument compares docs/cli.md with the commands.
func TestCLIDocument(t *testing.T) {
	const name = "../../docs/cli.md"
	want := cliDocument(t)
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(filepath.FromSlash(name)); err != nil || string(got) != want {
		t.Errorf("%s is not what the commands are; run go test ./cmd/heliograph -run TestCLIDocument -update (%v)", name, err)
	}
}

func cliDocument(t *testing.T) string {
	t.Helper()
	var c cli
	parser, err := newParser(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(`# Commands

Every command has ` + "`--help`" + `, and ` + "`heliograph man | man -l -`" + ` is the manual page. ` + "`heliograph completion bash`" + ` (zsh, fish) says how your shell
completes commands and flags. This page is made from the commands themselves.

| exit code | meaning |
|---:|---|
| 0 | done |
| 1 | what was asked for failed: a request, a delivery, a file |
| 2 | the command line is wrong, or a configuration, scenario or recording that it names |
| 3 | the work was done, and what was looked at is not as it should be (` + "`doctor`, `config check`" + `) |

Spans of time are written like 90s, 15m, 24h or 7d. Where data is printed, ` + "`--json`" + ` prints it for programs.

`)
	describe(&b, parser.Model.Node, "heliograph")
	return b.String()
}

// describe writes the document's section about a command and its subcommands.
func describe(b *strings.Builder, n *kong.Node, path string) {
	for _, child := range n.Children {
		if child.Hidden {
			continue
		}
		at := path + " " + child.Name
		if len(child.Children) > 0 {
			describe(b, child, at)
			continue
		}
		line := at
		for _, p := range child.Positional {
			line += " " + p.Summary()
		}
		fmt.Fprintf(b, "## %s\n\n`%s`\n\n%s\n\n", at, line, child.Help)
		flags := 0
		for _, f := range child.Flags {
			if f.Hidden || f.Name == "help" {
				continue
			}
			if flags++; flags == 1 {
				b.WriteString("| flag | meaning |\n|---|---|\n")
			}
			fmt.Fprintf(b, "| `%s` | %s |\n", f.Summary(), strings.ReplaceAll(f.Help, "|", `\|`))
		}
		if flags > 0 {
			b.WriteString("\n")
		}
	}
}
