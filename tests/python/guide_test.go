package python

import (
	"regexp"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/internal/netns"
	"github.com/heliograph-net/heliograph/tests/guide"
)

// TestGuide types what docs/python.md says, in a fresh copy of the repository, where nobody else
// has its ports and there is no network.
func TestGuide(t *testing.T) {
	if !netns.Own(t, builtEnv+"=1") {
		return
	}
	out := guide.Type(t, "docs/python.md", "tcp.refused")
	if !strings.Contains(out, "\nthe shop is closed: ConnectionError\n0 segments remain\n") || !regexp.MustCompile(`tcp\.refused +http://127\.0\.0\.1:9 +0 +1 `).MatchString(out) {
		t.Errorf("%s", out)
	}
}
