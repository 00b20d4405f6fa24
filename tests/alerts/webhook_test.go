package alerts

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

// TestSignature: the library of Standard Webhooks verifies what `heliograph alert test` sends.
func TestSignature(t *testing.T) {
	h := newHook(t, true)
	c := config(t, fmt.Sprintf("    - {name: hook, kind: webhook, url: %q, secret_file: hook}\n    - {name: gone, kind: slack, url_file: gone}\n", h.url),
		map[string]string{"hook": secret + "\n", "gone": "http://127.0.0.1:1/secret\n"})
	var out bytes.Buffer
	if err := roles.TestAlerts(t.Context(), c, &out, "hook"); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if told := h.all(); len(told[" firing"]) != 1 || len(told[" resolved"]) != 1 {
		t.Errorf("%v", told)
	}
	out.Reset()
	err := roles.TestAlerts(t.Context(), c, &out)
	if err == nil || !strings.Contains(out.String(), "hook                 took") || !strings.Contains(out.String(), "gone                 failed") ||
		strings.Contains(out.String(), "secret") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if err := roles.TestAlerts(t.Context(), c, &out, "nobody"); err == nil {
		t.Error("a receiver that is not there was tested")
	}
}
