package main

import (
	"context"
	"fmt"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/salvage"
)

type repairCmd struct {
	Dir string `arg:"" help:"Directory of heliograph.yaml. No collector and no detector may run in it." type:"path" placeholder:"DIR"`
}

// Run repairs damaged files and prints what was kept and lost. The exit code is 0 if nothing was
// lost, and 3 otherwise.
func (r *repairCmd) Run(ctx context.Context, out *output) error {
	all, err := roles.Repair(ctx, r.Dir, func(file, table string, rows int64) {
		fmt.Fprintf(out.stderr, "%s: %s, %d rows so far\n", file, table, rows)
	})
	lost := false
	for _, report := range all {
		printRepair(out, report)
		lost = lost || report.Lost()
	}
	if err != nil {
		return err
	}
	if lost {
		return &exitError{code: exitUnsound, text: "not everything could be read: see above"}
	}
	return nil
}

func printRepair(out *output, r *salvage.Report) {
	if r.Whole {
		fmt.Fprintf(out.stdout, "%s is whole.\n", r.Path)
		return
	}
	fmt.Fprintf(out.stdout, "%s was damaged and is rebuilt; the damaged file is %s.\n  fault: %s\n", r.Path, r.Aside, r.Fault)
	if r.Header {
		fmt.Fprintln(out.stdout, "  the first page was lost: it was replaced by that of an empty file")
	}
	for i := range r.Tables {
		mark := " "
		if r.Tables[i].Lost() {
			mark = "!"
		}
		fmt.Fprintf(out.stdout, "%s %s\n", mark, &r.Tables[i])
	}
}
