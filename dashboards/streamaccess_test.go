package dashboards

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/access"
)

// A stream ends soon after its reader may not look any more.
func TestStreamEndsWithTheSession(t *testing.T) {
	const password = "correct horse battery"
	hash, err := access.Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	settings := access.Settings{Users: []access.User{{Name: "ada", Role: access.Viewer, Hash: hash}}}
	synctest.Test(t, func(t *testing.T) {
		gate, err := access.New(access.Options{Settings: settings})
		if err != nil {
			t.Fatal(err)
		}
		_, client, stop := virtual(t, Options{Reader: &fakeReader{}, Access: gate})
		defer stop()
		if client.Jar, err = cookiejar.New(nil); err != nil {
			t.Fatal(err)
		}
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		resp, err := client.PostForm("http://localhost/login", url.Values{"name": {"ada"}, "password": {password}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp, err = client.Get("http://localhost/api/v1/stream"); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		defer resp.Body.Close()
		began := time.Now()
		time.AfterFunc(time.Minute, func() {
			settings.Users[0].Name = "eve"
			if err := gate.Reload(settings); err != nil {
				t.Error(err)
			}
		})
		time.AfterFunc(time.Hour, func() { resp.Body.Close() })
		_, _ = io.Copy(io.Discard, resp.Body)
		if took := time.Since(began); took < time.Minute || took > time.Minute+heartbeatEvery {
			t.Errorf("the stream ended after %v, want at the first heartbeat after 1m", took)
		}
	})
}
