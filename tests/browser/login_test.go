package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/oauth2-proxy/mockoidc"

	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/dashboards/access"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

// TestLogin: a browser logs in with a password, and by a provider of OpenID Connect; both see the
// page, and one of them logs out again.
func TestLogin(t *testing.T) {
	provider, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Shutdown() })
	const password = "correct horse battery"
	hash, err := access.Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	settings := access.Settings{
		Users: []access.User{{Name: "ada", Role: access.Operator, Hash: hash}},
		OIDC:  &access.OIDC{Issuer: provider.Issuer(), ClientID: provider.ClientID, ClientSecret: provider.ClientSecret, Viewers: []string{"*@example.org"}},
	}
	url := guarded(t, settings)
	ca, err := devca.New("Login test authority")
	if err != nil {
		t.Fatal(err)
	}
	ctx := chromium(t, ca)
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatal(err)
		}
	}
	says := func(want string) {
		t.Helper()
		becomes(t, ctx, fmt.Sprintf(`document.body.innerText.includes(%q)`, want))
	}
	name, secret := chromedp.CSS(`input[name=name]`), chromedp.CSS(`input[name=password]`)
	do(chromedp.Navigate(url+"/"), chromedp.SendKeys(name, "ada"), chromedp.SendKeys(secret, "wrong wrong wrong"), chromedp.Click(chromedp.CSS("form button")))
	says("Name or password is wrong.")
	do(chromedp.SendKeys(name, "ada"), chromedp.SendKeys(secret, password), chromedp.Click(chromedp.CSS("form button")))
	says("ada, operator")
	says("No reports yet")
	becomes(t, ctx, `location.pathname === "/" && location.search === "" && document.cookie === ""`)
	press(t, ctx, ".who-am-i button")
	becomes(t, ctx, `document.querySelector("form") !== null`)

	provider.QueueUser(&mockoidc.MockUser{Subject: "7", Email: "vic@example.org", EmailVerified: true})
	do(chromedp.Click(chromedp.CSS(`a[href="/login/oidc"]`)))
	says("vic@example.org, viewer")
	press(t, ctx, ".who-am-i button")
	becomes(t, ctx, `document.querySelector("form") !== null`)

	for mail, verified := range map[string]bool{"eve@evil.example": true, "mallory@example.org": false} {
		provider.QueueUser(&mockoidc.MockUser{Subject: mail, Email: mail, EmailVerified: verified})
		do(chromedp.Click(chromedp.CSS(`a[href="/login/oidc"]`)))
		becomes(t, ctx, `document.querySelector("[role=alert]") !== null && document.querySelector(".overall") === null`)
	}
}

// TestLoginPage: the login page passes what the views of the dashboard pass.
func TestLoginPage(t *testing.T) {
	hash, err := access.Hash("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	url := guarded(t, access.Settings{Users: []access.User{{Name: "ada", Role: access.Operator, Hash: hash}},
		OIDC: &access.OIDC{Issuer: "https://login.example.net/" + strings.Repeat("W", 300), ClientID: "x", ClientSecret: "y", Viewers: []string{"*@example.org"}}})
	ctx := viewsBrowser(t)
	source := axe(t)
	for i, width := range widths {
		scheme := []string{"light", "dark"}[i%2]
		open(t, ctx, url+"/login", width, 900, scheme)
		becomes(t, ctx, `document.querySelector("form button") !== null`)
		fits(t, ctx, "login", width)
		serious(t, ctx, "login", scheme, source)
		walk(t, ctx, "login")
		picture(t, ctx, fmt.Sprintf("login-%d-%s", width, scheme))
	}
	if err := chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS(`input[name=name]`), hostile[0]+hostile[4][:500]), chromedp.SendKeys(chromedp.CSS(`input[name=password]`), "wrong"),
		chromedp.KeyEvent(kb.Enter)); err != nil {
		t.Fatal(err)
	}
	becomes(t, ctx, `document.querySelector("[role=alert]")?.innerText === "Name or password is wrong." && !document.body.innerText.includes("WWW")`)
	serious(t, ctx, "a login that failed", "dark", source)
}

// TestRestartAsksForALogin: sessions end with the process. A page that was open shows the login
// once the dashboard is back, and does not go on saying that the connection is lost.
func TestRestartAsksForALogin(t *testing.T) {
	const password = "correct horse battery"
	hash, err := access.Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	w, _ := burning(t)
	options := w.stored(t)
	serve := func(address string) (url string, stop func()) {
		t.Helper()
		if options.Access, err = access.New(access.Options{Settings: access.Settings{Users: []access.User{{Name: "ada", Role: access.Operator, Hash: hash}}}}); err != nil {
			t.Fatal(err)
		}
		return options.serve(t, address)
	}
	url, stop := serve("127.0.0.1:0")
	ctx := viewsBrowser(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(url+"/"), chromedp.SendKeys(chromedp.CSS(`input[name=name]`), "ada"),
		chromedp.SendKeys(chromedp.CSS(`input[name=password]`), password), chromedp.Click(chromedp.CSS("form button"))); err != nil {
		t.Fatal(err)
	}
	becomes(t, ctx, `document.body.innerText.includes("ada, operator") && `+tabLive)
	stop()
	becomes(t, ctx, tabLost)
	serve(strings.TrimPrefix(url, "http://"))
	becomes(t, ctx, `document.querySelector("form input[name=password]") !== null`)
}

// TestOIDCAnswerOfAnotherBrowser: an answer of the provider that this browser did not ask for logs
// nobody in.
func TestOIDCAnswerOfAnotherBrowser(t *testing.T) {
	provider, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Shutdown() })
	url := guarded(t, access.Settings{OIDC: &access.OIDC{Issuer: provider.Issuer(), ClientID: provider.ClientID, ClientSecret: provider.ClientSecret,
		Viewers: []string{"*@example.org"}}})
	resp, err := http.Get(url + "/login/oidc/callback?code=stolen&state=guessed")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest || len(resp.Cookies()) != 0 {
		t.Errorf("%s, cookies %v", resp.Status, resp.Cookies())
	}
}

// guarded serves an empty dashboard behind a gate until the test ends.
func guarded(t *testing.T, s access.Settings) (url string) {
	t.Helper()
	var d *dashboards.Dashboard
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.ServeHTTP(w, r) }))
	url = "http://" + server.Listener.Addr().String()
	gate, err := access.New(access.Options{Settings: s, URL: url})
	if err != nil {
		t.Fatal(err)
	}
	events, state := emptyStore(t)
	if d, err = dashboards.New(dashboards.Options{Reader: detector.Reader(events, state), Access: gate}); err != nil {
		t.Fatal(err)
	}
	server.Start()
	stop := lifecycle.Background(d.Run)
	t.Cleanup(func() { _ = stop(); server.Close() })
	return url
}
