//go:build js && wasm && !node

package fetchtransport

import (
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// reach adds nothing to the options of fetch: browsers resolve names and check certificates
// themselves.
func reach(map[string]any, policy.Collector) {}

// named returns the outcome of a failed request: browsers do not tell more.
func named(error) report.Outcome { return report.NetworkFailed }
