package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/salvage"
)

type repairCmd struct {
	jsonFlag
	Dir string `arg:"" help:"Directory of heliograph.yaml. No collector and no detector may run in it." type:"path" placeholder:"DIR"`
}

// Run repairs damaged files and prints what was kept and lost. The exit code is 0 if nothing was
// lost, and 3 otherwise.
func (r *repairCmd) Run(ctx context.Context, out *output) error {
	all, err := roles.Repair(ctx, r.Dir, func(file, table string, rows int64) {
		fmt.Fprintf(out.stderr, "%s: %s, %d rows so far\n", file, table, rows)
	})
	lost := false
	repaired := []repaired{}
	for _, report := range all {
		repaired = append(repaired, newRepaired(report))
		if !r.JSON {
			printRepair(out, report)
		}
		lost = lost || report.Lost()
	}
	if r.JSON {
		err = errors.Join(err, out.json(repaired))
	}
	if err != nil {
		return err
	}
	if lost {
		return &exitError{code: exitUnsound, text: "not everything could be read: see above"}
	}
	return nil
}

// repaired is what became of a file, in JSON.
type repaired struct {
	File   string          `json:"file"`
	Whole  bool            `json:"whole"`
	Fault  string          `json:"fault,omitempty"`
	Aside  string          `json:"aside,omitempty"`
	Tables []repairedTable `json:"tables,omitempty"`
}

type repairedTable struct {
	Name string `json:"name"`
	Kept int64  `json:"kept"` // rows
	Lost bool   `json:"lost"`
	Text string `json:"text"`
}

func newRepaired(r *salvage.Report) repaired {
	all := repaired{File: r.Path, Whole: r.Whole, Fault: r.Fault, Aside: r.Aside}
	for i := range r.Tables {
		t := &r.Tables[i]
		all.Tables = append(all.Tables, repairedTable{t.Name, t.Kept, t.Lost(), t.String()})
	}
	return all
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
