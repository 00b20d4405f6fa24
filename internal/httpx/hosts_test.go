package httpx

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	loopback := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8418}
	mapped := &net.TCPAddr{IP: net.ParseIP("::ffff:127.0.0.1"), Port: 8418}
	public := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8418}
	for _, c := range []struct {
		host    string
		hosts   Hosts
		local   net.Addr
		allowed bool
	}{
		{"127.0.0.1:8418", nil, loopback, true},
		{"[::1]:8418", nil, loopback, true},
		{"[::1]", nil, loopback, true},
		{"::1", nil, loopback, true},
		{"localhost", nil, loopback, true},
		{"LOCALHOST.:8418", nil, loopback, true},
		{"demo.localhost:8418", nil, loopback, true},
		{"evil.example", nil, loopback, false},
		{"evil.example", nil, mapped, false},
		{"evil.example:8418", nil, nil, false}, // an address that cannot be told counts as loopback
		{"evil.example", nil, &net.UnixAddr{Name: "/run/x"}, false},
		{"127.0.0.1.evil.example", nil, loopback, false},
		{"localhost.evil.example", nil, loopback, false},
		{"notlocalhost", nil, loopback, false},
		{"", nil, loopback, false},
		{"Status.Example.:8418", Hosts{"status.example"}, loopback, true},
		{"evil.example", Hosts{"status.example"}, loopback, false},
		{"ops.example", nil, public, true},
		{"ops.example", Hosts{"status.example"}, public, false},
		{"192.0.2.1", Hosts{"status.example"}, public, true},
	} {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.Host = c.host
		req = req.WithContext(context.WithValue(req.Context(), http.LocalAddrContextKey, c.local))
		w := httptest.NewRecorder()
		c.hosts.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, req)
		if got := w.Code == http.StatusOK; got != c.allowed || (!got && w.Code != http.StatusMisdirectedRequest) {
			t.Errorf("host %q, hosts %v, on %v: %d, want allowed %t", c.host, c.hosts, c.local, w.Code, c.allowed)
		}
	}
}

func TestHostNamesAreNames(t *testing.T) {
	if err := (Hosts{"status.example", "192.0.2.1", "2001:db8::1"}).Check(); err != nil {
		t.Error(err)
	}
	err := Hosts{"", "https://status.example", "status.example:8418", "me@status.example", "status.example"}.Check()
	for _, bad := range []string{`""`, "https://", ":8418", "me@"} {
		if err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%v, want %s named", err, bad)
		}
	}
}
