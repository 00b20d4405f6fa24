package roles_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

// A new data directory has keys, a signed policy and a configuration, which Check finds fit to run.
func ExampleInit() {
	parent, err := os.MkdirTemp("", "heliograph-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(parent)
	dir := filepath.Join(parent, "data")
	if err := roles.Init(dir, roles.InitOptions{}); err != nil {
		fmt.Println(err)
		return
	}
	c, err := roles.Load(filepath.Join(dir, roles.ConfigName))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range c.Check(roles.Roles{Collector: true, Detector: true}, time.Now()) {
		fmt.Println(f.Severity, f.Text)
	}
	// Output:
	// warning is empty: nobody is alerted, and only the page shows incidents
	// warning is empty: the network of every client is unknown, so no incident can name one
}
