package system

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// addresses is a place where all hosts are one machine, and each has an address of loopback to
// itself. What pages say of names and certificates is replaced by these addresses.
type addresses struct{ pages *strings.Replacer }

var hostAddresses = map[string]string{"c1": "127.0.1.1", "c2": "127.0.1.2", "c3": "127.0.1.3", "watch": "127.0.0.1", "fra-1": "127.0.1.4", "nyc-1": "127.0.1.5",
	"lon-1": "127.0.1.6", "r1": "127.0.1.7", "r2": "127.0.1.8"}

func oneMachine(t *testing.T) *addresses {
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(target.Close)
	return &addresses{strings.NewReplacer("https://c1.example.net", "http://127.0.1.1:8417", "https://c2.example.org", "http://127.0.1.2:8417",
		"https://c3.example.net", "http://127.0.1.3:8417", "https://r1.example.com", "http://127.0.1.7:8420", "https://r2.example.net", "http://127.0.1.8:8420",
		"https://web-1.example.com", target.URL)}
}

func (a *addresses) on(_ string, f func() error) error { return f() }
func (a *addresses) text(page string) string           { return a.pages.Replace(page) }
func (a *addresses) environment() []string             { return nil }

func (a *addresses) operations(host, role string) string {
	return hostAddresses[host] + ":" + operationsPort(role)
}

func (a *addresses) settings(host, role string) string {
	return fmt.Sprintf("operations: {listen: %q}\n", a.operations(host, role))
}

// operationsPort returns the port of a role's operations listener.
func operationsPort(role string) string {
	if role == "relay" {
		return "8421"
	}
	return "8419"
}
