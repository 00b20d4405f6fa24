package access

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const password = "correct horse battery"

// cheap hashes a password as cheaply as is allowed.
func cheap(t *testing.T, password string) string {
	t.Helper()
	h := hashed{time: 1, memory: 8 << 10, threads: 1, salt: []byte("saltsaltsaltsalt")}
	h.sum = h.of(password)
	return h.String()
}

// bench is a gate before a page that says who asks, on a real listener, and what was logged.
type bench struct {
	*testing.T
	gate *Gate
	url  string
	log  lockedBuffer
	now  time.Time
	mu   sync.Mutex // guards now
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.String()
}

func newBench(t *testing.T, s Settings, client *http.Client) *bench {
	t.Helper()
	b := &bench{T: t, now: time.Now()}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.gate.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p := Of(r.Context())
			fmt.Fprintf(w, "%s, %s by %s", p.Name, p.Role, p.How)
		})).ServeHTTP(w, r)
	}))
	server.Start()
	t.Cleanup(server.Close)
	gate, err := New(Options{Settings: s, URL: server.URL, Client: client, Audit: slog.New(slog.NewTextHandler(&b.log, nil)), Now: b.time})
	if err != nil {
		t.Fatal(err)
	}
	b.gate, b.url = gate, server.URL
	return b
}

func (b *bench) time() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// ask makes a request, follows no redirects, and returns status, headers and body.
func (b *bench) ask(r *http.Request) (*http.Response, string) {
	b.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return resp, string(body)
}

func (b *bench) request(method, path string, body io.Reader, cookie *http.Cookie) *http.Request {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, b.url+path, body)
	if err != nil {
		b.Fatal(err)
	}
	if cookie != nil {
		r.AddCookie(cookie)
	}
	return r
}

func (b *bench) get(path string, cookie *http.Cookie) (int, string) {
	b.Helper()
	resp, body := b.ask(b.request(http.MethodGet, path, nil, cookie))
	return resp.StatusCode, body
}

// login logs in and returns the status and the session's cookie.
func (b *bench) login(name, password string) (int, *http.Cookie) {
	b.Helper()
	r := b.request(http.MethodPost, "/login", strings.NewReader(url.Values{"name": {name}, "password": {password}}.Encode()), nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, _ := b.ask(r)
	for _, c := range resp.Cookies() {
		if c.Name == cookieName {
			return resp.StatusCode, c
		}
	}
	return resp.StatusCode, nil
}

func users(t *testing.T) Settings {
	return Settings{Users: []User{{"ada", Operator, cheap(t, password)}, {"vic", Viewer, cheap(t, password+"!")}}}
}

func TestLogin(t *testing.T) {
	b := newBench(t, users(t), nil)
	if status, body := b.get("/api/v1/now", nil); status != http.StatusUnauthorized || !strings.Contains(body, "/login") {
		t.Errorf("a stranger: %d %s", status, body)
	}
	page := b.request(http.MethodGet, "/", nil, nil)
	page.Header.Set("Accept", "text/html")
	resp, body := b.ask(page)
	if csp := resp.Header.Get("Content-Security-Policy"); resp.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "<form") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("a stranger's browser: %d %q %s", resp.StatusCode, csp, body)
	}
	for _, path := range public {
		if status, _ := b.get(path, nil); status != http.StatusOK {
			t.Errorf("%s: %d, and the login page needs it", path, status)
		}
	}
	for name, wrong := range map[string]string{"ada": password + "!", "vic": password, "eve": password, "": ""} {
		if status, cookie := b.login(name, wrong); status != http.StatusUnauthorized || cookie != nil {
			t.Errorf("%q with a wrong password: %d, %v", name, status, cookie)
		}
	}
	status, cookie := b.login("ada", password)
	if status != http.StatusSeeOther || cookie == nil || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
		t.Fatalf("ada: %d, %+v", status, cookie)
	}
	if _, body := b.get("/api/v1/me", cookie); body != "ada, operator by password" {
		t.Error(body)
	}
	b.ask(b.request(http.MethodPost, "/api/v1/incidents/7/ack", nil, cookie))
	b.ask(b.request(http.MethodPost, "/logout", nil, cookie))
	if status, _ := b.get("/api/v1/me", cookie); status != http.StatusUnauthorized {
		t.Errorf("after the logout: %d", status)
	}
	for _, want := range []string{"event=login_failed", "event=login person=ada", "event=change person=ada how=password method=POST path=/api/v1/incidents/7/ack", "event=logout person=ada"} {
		if !strings.Contains(b.log.text(), want) {
			t.Errorf("the log lacks %q:\n%s", want, b.log.text())
		}
	}
	if log := b.log.text(); strings.Contains(log, password) || strings.Contains(log, cookie.Value) || strings.Contains(log, "127.0.0.1") {
		t.Errorf("the log tells a secret or an address:\n%s", log)
	}
}

func TestViewersOnlyLook(t *testing.T) {
	b := newBench(t, users(t), nil)
	_, cookie := b.login("vic", password+"!")
	if status, body := b.get("/", cookie); status != http.StatusOK || body != "vic, viewer by password" {
		t.Errorf("%d %s", status, body)
	}
	if resp, _ := b.ask(b.request(http.MethodPost, "/api/v1/incidents/7/ack", nil, cookie)); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a viewer's change: %d", resp.StatusCode)
	}
	if !strings.Contains(b.log.text(), "event=refused person=vic") {
		t.Errorf("the log lacks it:\n%s", b.log.text())
	}
}

// Sessions end with their time, with the person's account, and with its password.
func TestSessionsEnd(t *testing.T) {
	b := newBench(t, users(t), nil)
	_, ada := b.login("ada", password)
	_, vic := b.login("vic", password+"!")
	s := users(t)
	s.Users = s.Users[:1]
	if err := b.gate.Reload(s); err != nil {
		t.Fatal(err)
	}
	if status, _ := b.get("/", vic); status != http.StatusUnauthorized {
		t.Errorf("vic is no user any more: %d", status)
	}
	_, again := b.login("ada", password)
	s.Users[0].Hash = cheap(t, password+"?")
	if err := b.gate.Reload(s); err != nil {
		t.Fatal(err)
	}
	if status, _ := b.get("/", again); status != http.StatusUnauthorized {
		t.Errorf("ada has another password: %d", status)
	}
	if err := b.gate.Reload(users(t)); err != nil {
		t.Fatal(err)
	}
	b.pass(sessionLasts)
	if status, _ := b.get("/", ada); status != http.StatusOK {
		t.Errorf("within the time: %d", status)
	}
	b.pass(time.Second)
	if status, _ := b.get("/", ada); status != http.StatusUnauthorized {
		t.Errorf("after the time: %d", status)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	var s sessions
	began := time.Now()
	for i := range maxSessions + 50 {
		s.begin(Person{Name: fmt.Sprint(i)}, "", began.Add(time.Duration(i)))
	}
	if len(s.open) != maxSessions {
		t.Errorf("%d sessions", len(s.open))
	}
}

func TestThrottle(t *testing.T) {
	b := newBench(t, users(t), nil)
	for range maxFailures {
		if status, _ := b.login("ada", "wrong"); status != http.StatusUnauthorized {
			t.Fatalf("a wrong password: %d", status)
		}
	}
	if status, _ := b.login("ada", password); status != http.StatusTooManyRequests {
		t.Errorf("after %d failures: %d", maxFailures, status)
	}
	b.pass(failureEvery + time.Second)
	if status, _ := b.login("ada", password); status != http.StatusSeeOther {
		t.Errorf("after a pause: %d", status)
	}
	if status, _ := b.login("ada", "wrong"); status != http.StatusUnauthorized {
		t.Errorf("a wrong password after a right one, which counts for nothing: %d", status)
	}
	var few throttle
	for i := range 2 * maxThrottled {
		few.try(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), time.Now())
	}
	if len(few.owed) > maxThrottled {
		t.Errorf("%d networks are remembered", len(few.owed))
	}
}

// Passwords that are tried all at once are throttled like those that are tried one by one.
func TestThrottleAtOnce(t *testing.T) {
	b := newBench(t, users(t), nil)
	for range maxHashing {
		b.gate.hashing <- struct{}{} // no password can be hashed yet
	}
	const tries = 3 * maxFailures
	statuses := make(chan int, tries)
	for range tries {
		go func() {
			status, _ := b.login("ada", "wrong")
			statuses <- status
		}()
	}
	refused := 0
	for range tries - maxFailures { // the others wait
		select {
		case status := <-statuses:
			if status == http.StatusTooManyRequests {
				refused++
			}
		case <-time.After(time.Minute):
		}
	}
	for range maxHashing {
		<-b.gate.hashing
	}
	for range maxFailures {
		if status := <-statuses; status != http.StatusUnauthorized {
			t.Errorf("one of the first %d: %d", maxFailures, status)
		}
	}
	if refused != tries-maxFailures {
		t.Errorf("%d of %d were refused, want all but %d", refused, tries, maxFailures)
	}
}

// The header of a proxy is believed if it comes from its addresses, and from nowhere else.
func TestProxy(t *testing.T) {
	for from, want := range map[string]string{"127.0.0.0/8": "ada, operator by proxy", "192.0.2.0/24": ""} {
		b := newBench(t, Settings{Proxy: Proxy{Addresses: []netip.Prefix{netip.MustParsePrefix(from)}, Header: "X-Forwarded-User", Operators: []string{"ada"}}}, nil)
		r := b.request(http.MethodGet, "/", nil, nil)
		r.Header.Set("X-Forwarded-User", "ada")
		resp, body := b.ask(r)
		if want == "" && resp.StatusCode != http.StatusUnauthorized || want != "" && body != want {
			t.Errorf("from %s: %d %s", from, resp.StatusCode, body)
		}
		r = b.request(http.MethodGet, "/", nil, nil)
		r.Header["X-Forwarded-User"] = []string{"ada", "vic"}
		if resp, body := b.ask(r); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("from %s, two names: %d %s", from, resp.StatusCode, body)
		}
	}
}

func TestSettingsAreChecked(t *testing.T) {
	hash := cheap(t, password)
	for want, s := range map[string]Settings{
		"nobody is known":               {},
		"no argon2id hash":              {Users: []User{{"ada", Operator, "secret"}}},
		"no role":                       {Users: []User{{"ada", "root", hash}}},
		"given once":                    {Users: []User{{"ada", Viewer, hash}, {"ada", Viewer, hash}}},
		"cost outside":                  {Users: []User{{"ada", Viewer, strings.Replace(hash, "m=8192", "m=9999999", 1)}}},
		"header that names people":      {Proxy: Proxy{Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}},
		"name viewers or operators":     {OIDC: &OIDC{Issuer: "https://login.example", ClientID: "x"}},
		"is not the URL of an issuer":   {OIDC: &OIDC{Issuer: "login", ClientID: "x", Viewers: []string{"a@b.example"}}},
		"people find the dashboard is ": {OIDC: &OIDC{Issuer: "https://login.example", ClientID: "x", Viewers: []string{"a@b.example"}}},
	} {
		if _, err := New(Options{Settings: s}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestHash(t *testing.T) {
	s, err := Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	h, err := parseHash(s)
	if err != nil || !h.matches(password) || h.matches(password+"!") {
		t.Errorf("%s: %v", s, err)
	}
	if _, err := Hash("short"); err == nil {
		t.Error("a short password is taken")
	}
	if _, err := Hash(strings.Repeat("x", MaxPassword+1)); err == nil {
		t.Error("an endless password is taken")
	}
}

func TestRolesOfAddresses(t *testing.T) {
	o := &OIDC{Operators: []string{"ada@example.org"}, Viewers: []string{"*@example.org"}}
	for mail, want := range map[string]Role{"Ada@example.org": Operator, "vic@example.org": Viewer, "eve@evil.example": "", "*@example.org": Viewer, "x@y@example.org": "", "@": ""} {
		if got, _ := o.role(mail); got != want {
			t.Errorf("%s is %q, want %q", mail, got, want)
		}
	}
}
