package alerts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/model"
)

// TestVerdictsHaveRunbooks: what an alert links to is there, and says that it is the right page.
func TestVerdictsHaveRunbooks(t *testing.T) {
	s := Settings{Runbooks: filepath.Join("..", "docs", "runbooks")}
	for verdict := range verdictRules {
		if verdict == "" {
			continue
		}
		text, err := os.ReadFile(s.runbook(verdict))
		if err != nil || !strings.Contains(string(text), "**The verdict `"+string(verdict)+"`.**") {
			t.Errorf("%s: %v", verdict, err)
		}
	}
}

func TestSeverities(t *testing.T) {
	for _, test := range []struct {
		app     string
		verdict model.Verdict
		want    Severity
		label   string
	}{
		{"shop", "", Critical, ""},
		{"shop", model.NetworkPath, Critical, "network_path"},
		{"shop", model.TooThin, Warning, "too_thin"},
		{"shop", model.Forged, Info, "forged"},
		{"shop", "of_tomorrow", Warning, "of_tomorrow"},
		{model.DeliveryApp, "", Warning, "collector_path"},
	} {
		a := incidentAlert("k", &model.Incident{App: test.app, Verdict: test.verdict}, new(Settings))
		if a.Severity != test.want || a.Labels["verdict"] != test.label || a.Labels["severity"] != string(test.want) {
			t.Errorf("%s %q: %s, labels %v", test.app, test.verdict, a.Severity, a.Labels)
		}
	}
}

// The fixed sentence claims no more than the first words about a fault do.
func TestWordsClaimNoMoreThanTheIncident(t *testing.T) {
	first := []model.Signal{{Code: model.SignalScope, Text: "a part of the requests fails, and so far nobody stands out"}}
	for _, c := range []struct {
		i    model.Incident
		want string
	}{
		{model.Incident{Verdict: model.ServiceDown, Failed: 60, Requests: 300, Evidence: first}, "The service itself fails for a part of the requests."},
		{model.Incident{Verdict: model.ServiceDown, Failed: 290, Requests: 300}, "The service itself fails."},
		{model.Incident{Verdict: model.Release, Scope: model.Scope{Versions: []string{"1.5.0"}, Systems: []string{"ios"}}}, "One version of the application fails, and others work."},
		{model.Incident{Verdict: model.Release, Scope: model.Scope{Systems: []string{"ios"}}}, "Clients on one operating system fail, and others work."},
		{model.Incident{Verdict: model.DNS}, "The service's name does not resolve, or not to its own addresses."},
	} {
		a := incidentAlert("k", &c.i, new(Settings))
		if a.Why[0] != c.want || strings.Contains(a.Text(), "everyone") {
			t.Errorf("%s: %q", c.i.Verdict, a.Why)
		}
	}
}

func TestSentence(t *testing.T) {
	for text, want := range map[string]string{"": "", "probes reach it": "Probes reach it.", "40 failed!": "40 failed!", "élan": "élan."} {
		if got := sentence(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// TestBookOfAnotherRelease: what cannot be read is an error, not a wrong memory.
func TestBookOfAnotherRelease(t *testing.T) {
	for _, text := range []string{"{", `{"v": 2}`} {
		if _, err := readBook([]byte(text)); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}

// A budget that lasts for days is no reason to wake anybody.
func TestBudgetsAreAsUrgentAsTheyAre(t *testing.T) {
	for alert, want := range map[model.ObjectiveAlert]Severity{model.ObjectivePage: Critical, model.ObjectiveTicket: Warning} {
		i := model.Incident{ID: 1, App: model.ObjectiveApp, Target: "https://shop.example", Outcome: model.BudgetOutcome(&model.Objective{}, alert), Verdict: model.BudgetBurns, Page: true, Title: "too much fails"}
		if a := incidentAlert("k", &i, &Settings{Runbooks: "https://docs.example"}); a.Severity != want || a.Runbook != "https://docs.example/budget-burns.md" || a.Labels["target"] != i.Target {
			t.Errorf("%s: %+v", alert, a)
		}
	}
}
