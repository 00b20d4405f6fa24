package webhook_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/webhook"
)

func message(as ...alerts.Alert) *alerts.Message {
	return &alerts.Message{ID: "M1", Receiver: "hook", Made: time.Unix(1_800_000_000, 0), Page: "https://page.test", Alerts: as}
}

func alert(id string, status alerts.Status) alerts.Alert {
	return alerts.Alert{Key: "heliograph/x/" + id, Status: status, Severity: alerts.Critical, Summary: "down " + id, Why: []string{"One.", "Two."},
		Labels:   map[string]string{"alertname": alerts.NameIncident, "incident": id, "app": "shop"},
		StartsAt: time.Unix(1_800_000_000, 0).UTC(), Link: "https://page.test"}
}

// serve takes what is posted and gives the answers in turn, the last one again and again.
func serve(t *testing.T, got func(http.Header, []byte), answers ...http.HandlerFunc) string {
	t.Helper()
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got(r.Header, body)
		if n < len(answers) {
			answers[n](w, r)
			n = min(n+1, len(answers)-1)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestForm holds the fields of version 4, by their names in Alertmanager's documentation.
func TestForm(t *testing.T) {
	var body map[string]any
	url := serve(t, func(_ http.Header, b []byte) {
		if err := json.Unmarshal(b, &body); err != nil {
			t.Error(err)
		}
	})
	s, err := webhook.New(url, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	over := alert("2", alerts.Resolved)
	over.EndsAt = over.StartsAt.Add(time.Minute)
	if err := s.Send(t.Context(), message(alert("1", alerts.Firing), over)); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]any{"version": "4", "status": "firing", "receiver": "hook", "externalURL": "https://page.test",
		"groupKey": `{}:{alertname="HeliographIncident"}`, "truncatedAlerts": 0.0} {
		if body[field] != want {
			t.Errorf("%s is %v, want %v", field, body[field], want)
		}
	}
	common := body["commonLabels"].(map[string]any)
	if len(common) != 2 || common["app"] != "shop" || body["groupLabels"].(map[string]any)["alertname"] != alerts.NameIncident {
		t.Errorf("common labels %v of group %v", common, body["groupLabels"])
	}
	all := body["alerts"].([]any)
	first, second := all[0].(map[string]any), all[1].(map[string]any)
	if first["status"] != "firing" || first["endsAt"] != "0001-01-01T00:00:00Z" || first["startsAt"] != "2027-01-15T08:00:00Z" ||
		first["generatorURL"] != "https://page.test" || first["fingerprint"] == second["fingerprint"] ||
		first["annotations"].(map[string]any)["description"] != "One.\nTwo." {
		t.Errorf("firing: %v", first)
	}
	if second["status"] != "resolved" || second["endsAt"] != "2027-01-15T08:01:00Z" {
		t.Errorf("over: %v", second)
	}
}

func TestIDStaysTheSame(t *testing.T) {
	ids := map[string]bool{}
	url := serve(t, func(h http.Header, _ []byte) {
		ids[h.Get("webhook-id")] = true
		if !strings.HasPrefix(h.Get("webhook-signature"), "v1,") {
			t.Errorf("signature %q", h.Get("webhook-signature"))
		}
	})
	secret, err := webhook.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	s, err := webhook.New(url, secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Send(t.Context(), message(alert("1", alerts.Firing))); err != nil {
			t.Fatal(err)
		}
	}
	if len(ids) != 1 || !ids["msg_M1"] {
		t.Errorf("ids %v", ids)
	}
}

// What an answer means: try again, at some time, or never, which is for messages that are wrong and
// not for secrets and hooks that are. No error says the URL, which may be a
// secret.
func TestAnswers(t *testing.T) {
	answer := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if len(header) == 2 {
				w.Header().Set(header[0], header[1])
			}
			http.Error(w, "because", code)
		}
	}
	url := serve(t, func(http.Header, []byte) {}, answer(400), answer(429, "Retry-After", "120"), answer(503), answer(302, "Location", "/elsewhere"),
		answer(413), answer(422), answer(401), answer(403), answer(404), answer(410))
	s, err := webhook.New(url+"/secret", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		refused bool
		after   time.Duration
	}{{true, 0}, {false, 2 * time.Minute}, {false, 0}, {false, 0}, {true, 0}, {true, 0}, {false, 0}, {false, 0}, {false, 0}, {false, 0}} {
		err := s.Send(t.Context(), message(alert("1", alerts.Firing)))
		if err == nil {
			t.Fatalf("answer %d is taken for a success", i)
		}
		var after time.Duration
		if later, ok := errors.AsType[*alerts.LaterError](err); ok {
			after = later.After
		}
		if errors.Is(err, alerts.ErrRefused) != want.refused || after != want.after || strings.Contains(err.Error(), "secret") {
			t.Errorf("answer %d: %v", i, err)
		}
	}
	nobody, err := webhook.New("http://127.0.0.1:1/secret", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := nobody.Send(t.Context(), message(alert("1", alerts.Firing))); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestSecrets(t *testing.T) {
	for _, text := range []string{"", "whsec_", "whsec_c2hvcnQ=", "whsec_%%%"} {
		if _, err := webhook.ParseSecret(text); err == nil {
			t.Errorf("%q is taken for a secret", text)
		}
	}
}
