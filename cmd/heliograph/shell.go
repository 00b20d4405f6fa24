package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	mangokong "github.com/alecthomas/mango-kong"
	kongcompletion "github.com/jotaen/kong-completion"
	"github.com/muesli/roff"
)

// completionCmd prints what a shell needs to complete commands and flags. The shell then asks this
// binary for completions, so they always fit it.
type completionCmd = kongcompletion.Completion

type manCmd struct{}

// Run prints the manual page, which is made from the output of --help.
func (manCmd) Run(k *kong.Context, out *output) error {
	k.Model.Help = "client-side error reporting" // short, because it is the heading of each page
	visible(k.Model.Node)
	page := mangokong.NewManPage(1, k.Model)
	page = page.WithSection("Exit status", strings.TrimSpace(`
0: done.
1: what was asked for failed.
2: the command line is wrong, or a configuration, scenario or recording that it names.
3: the work was done, and what was looked at is not as it should be.`))
	_, err := fmt.Fprint(out.stdout, page.Build(roff.NewDocument()))
	return err
}

// visible removes hidden flags from a command and its subcommands, which the library does not do.
func visible(n *kong.Node) {
	n.Flags = slices.DeleteFunc(n.Flags, func(f *kong.Flag) bool { return f.Hidden })
	for _, child := range n.Children {
		visible(child)
	}
}
