// Command grafana writes Grafana's dashboards for Heliograph into the directory in which it is run:
//
//	cd dashboards/grafana && go run .
//
// The JSON is committed, so that an operator needs Grafana only. docs/grafana.md says how.
package main

import (
	"fmt"
	"os"
)

func main() {
	for _, d := range boards() {
		text, err := d.json()
		if err == nil {
			err = os.WriteFile(d.UID+".json", text, 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "writing the dashboards:", err)
			os.Exit(1)
		}
	}
}
