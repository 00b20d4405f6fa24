package probe_test

import (
	"context"
	"fmt"
	"os"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// A probe of a program's own: is there a file? It has one step.
func ExampleCustom() {
	look := func(ctx context.Context) (probe.Result, error) {
		a := probe.Begin()
		a.Enter("stat")
		_, err := os.Stat("/nowhere/at/all")
		return a.End(ctx, err, func(string, error) report.Outcome { return "file.missing" })
	}
	f, err := probe.Custom{Name: "file", Func: look}.Probe(probe.Env{})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := f(context.Background())
	fmt.Println(result.Outcome, "in", result.Ended(), err)
	// Output: file.missing in stat <nil>
}
