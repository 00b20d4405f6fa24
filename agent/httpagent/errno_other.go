//go:build !(unix || js || windows)

package httpagent

import "github.com/heliograph-net/heliograph/report"

// errnoOutcome knows no error numbers of this system.
func errnoOutcome(error) report.Outcome { return "" }
