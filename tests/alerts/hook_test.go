package alerts

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// hook takes messages of version 4 and checks their signatures by the library of Standard Webhooks.
type hook struct {
	url string

	mu   sync.Mutex
	told map[string]map[string]int // by incident and status: how often each message came
}

type hooked struct {
	Status string
	Alerts []struct {
		Status      string
		Fingerprint string
		Labels      map[string]string
		Annotations map[string]string
	}
}

func newHook(t *testing.T, signed bool) *hook {
	t.Helper()
	h := &hook{told: map[string]map[string]int{}}
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // its sender was killed
		}
		if signed {
			if err := verifier.Verify(body, r.Header); err != nil {
				t.Errorf("the signature: %v", err)
				http.Error(w, "who is that", http.StatusUnauthorized)
				return
			}
		}
		var m hooked
		if err := json.Unmarshal(body, &m); err != nil {
			t.Error(err)
		}
		h.note(r.Header.Get("webhook-id"), &m)
	}))
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

func (h *hook) note(id string, m *hooked) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range m.Alerts {
		what := a.Labels["incident"] + " " + a.Status
		if h.told[what] == nil {
			h.told[what] = map[string]int{}
		}
		h.told[what][id]++
	}
}

// all is what was told, by incident and status, and by message.
func (h *hook) all() map[string]map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	told := map[string]map[string]int{}
	for what, messages := range h.told {
		told[what] = maps.Clone(messages)
	}
	return told
}
