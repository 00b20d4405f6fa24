package agenttest_test

import (
	"net/http"
	"testing"

	"github.com/heliograph-net/heliograph/agent/agenttest"
)

// TestNoWrapper: a base is like itself, so what the suite compares does not depend on chance.
func TestNoWrapper(t *testing.T) {
	agenttest.TestRoundTripper(t, func(base http.RoundTripper) http.RoundTripper { return base })
}
