package bundle_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/heliograph-net/heliograph/cmd/heliograph/bundle"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

// A prober's bundle has nothing that could open a report or sign a policy.
func ExampleOperator_Prober() {
	parent, err := os.MkdirTemp("", "operator-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(parent)
	o := bundle.Operator{Dir: filepath.Join(parent, "data")}
	if err := roles.Init(o.Dir, roles.InitOptions{}); err != nil {
		fmt.Println(err)
		return
	}
	b, err := o.Prober("paris", 64501)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, file := range b.Files {
		fmt.Println(file.Name)
	}
	// Unordered output:
	// policy
	// heliograph.yaml
	// heliograph-prober.service
	// START.txt
}
