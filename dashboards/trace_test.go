package dashboards_test

import (
	"testing"

	"github.com/heliograph-net/heliograph/dashboards"
)

func TestCheckTraceURL(t *testing.T) {
	for template, ok := range map[string]bool{
		"https://traces.example/trace/{trace_id}":                         true,
		"http://127.0.0.1:16686/trace/{trace_id}?uiFind={trace_id}":       true,
		"https://grafana.example/explore?left={\"query\":\"{trace_id}\"}": true,
		"https://traces.example/":                                         false,
		"https://{trace_id}.example/":                                     false,
		"javascript:alert('{trace_id}')":                                  false,
		"/trace/{trace_id}":                                               false,
		"https:///{trace_id}":                                             false,
		"{trace_id}":                                                      false,
		"https://traces.example:x/{trace_id}":                             false,
	} {
		if err := dashboards.CheckTraceURL(template); (err == nil) != ok {
			t.Errorf("%s: %v", template, err)
		}
	}
}
