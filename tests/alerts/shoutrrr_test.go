package alerts

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

// TestShoutrrr: what a URL of shoutrrr names is told, and one that cannot be used fails without its
// secrets.
func TestShoutrrr(t *testing.T) {
	var mu sync.Mutex
	var told []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		told = append(told, r.URL.Path+" "+string(text))
		mu.Unlock()
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	c := config(t, "    - {name: push, kind: shoutrrr, url_file: push}\n    - {name: gone, kind: shoutrrr, url_file: gone}\n",
		map[string]string{"push": fmt.Sprintf("ntfy://%s/topic?disabletls=yes\n", server.Listener.Addr()), "gone": "ntfy://127.0.0.1:1/secret?disabletls=yes\n"})
	var out bytes.Buffer
	err := roles.TestAlerts(t.Context(), c, &out)
	if err == nil || !strings.Contains(out.String(), "push                 took") || !strings.Contains(out.String(), "gone                 failed") ||
		strings.Contains(out.String(), "secret") {
		t.Errorf("%v\n%s", err, out.String())
	}
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 2 || !strings.HasPrefix(told[0], "/topic ") || !strings.HasPrefix(told[1], "/topic Over: ") {
		t.Errorf("%q", told)
	}
}
