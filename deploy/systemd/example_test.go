package systemd_test

import (
	"fmt"
	"strings"

	"github.com/heliograph-net/heliograph/deploy/systemd"
)

func ExampleUnit() {
	unit, err := systemd.Unit("collector")
	if err != nil {
		fmt.Println(err)
		return
	}
	for line := range strings.Lines(string(unit)) {
		if strings.HasPrefix(line, "Description=") {
			fmt.Print(line)
		}
	}
	// Output:
	// Description=Heliograph collector
}
