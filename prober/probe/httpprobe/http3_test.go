package httpprobe_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
)

// misbehave is a real HTTP/3 server that does as the path says.
func misbehave(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/missing":
		http.NotFound(w, r)
	case "/old":
		http.Redirect(w, r, "/new", http.StatusFound)
	case "/plain":
		http.Redirect(w, r, "http://"+r.Host+"/", http.StatusFound)
	case "/slow":
		<-r.Context().Done()
	case "/abort":
		panic(http.ErrAbortHandler)
	case "/short":
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "hello")
	case "/echo":
		_, _ = io.Copy(w, r.Body)
	default:
		_, _ = io.WriteString(w, "hello over "+r.Proto)
	}
}

func TestHTTP3(t *testing.T) {
	ours := probetest.NewAuthority(t)
	address := probetest.ServeHTTP3(t, ours.Server(t), http.HandlerFunc(misbehave))
	trusted := conn.TLSOptions{RootCAs: ours.Pool(), ServerName: "shop.example"}
	for name, c := range map[string]struct {
		o     httpprobe.Options
		limit time.Duration
		want  report.Outcome
		ended string
	}{
		"answers":          {httpprobe.Options{URL: "/", FailIfBodyNotMatches: []string{"hello over HTTP/3.0"}, ValidVersions: []string{"HTTP/3.0"}}, 0, report.OK, httpprobe.StepBody},
		"takes a body":     {httpprobe.Options{URL: "/echo", Method: "POST", Body: "cuckoo", FailIfBodyNotMatches: []string{"^cuckoo$"}}, 0, report.OK, httpprobe.StepBody},
		"other version":    {httpprobe.Options{URL: "/", ValidVersions: []string{"HTTP/2.0"}}, 0, report.HTTPAnswerUnexpected, httpprobe.StepBody},
		"status":           {httpprobe.Options{URL: "/missing"}, 0, report.HTTPError, httpprobe.StepBody},
		"redirect":         {httpprobe.Options{URL: "/old", FollowRedirects: true}, 0, report.OK, httpprobe.StepBody},
		"redirect to http": {httpprobe.Options{URL: "/plain", FollowRedirects: true}, 0, report.HTTPFailed, ""},
		"silent server":    {httpprobe.Options{URL: "/slow"}, 300 * time.Millisecond, report.UDPTimedOut, httpprobe.StepFirstByte},
		"reset stream":     {httpprobe.Options{URL: "/abort"}, 0, report.H3ProtocolError, httpprobe.StepFirstByte},
		"short body":       {httpprobe.Options{URL: "/short"}, 0, report.HTTPContentLengthMismatch, httpprobe.StepBody},
	} {
		o := c.o
		o.URL, o.Version, o.TLS = "https://"+address+o.URL, "h3", trusted
		if c.limit == 0 {
			c.limit = probetest.Limit
		}
		r, err := probetest.Once(t, &o, probe.Env{}, c.limit)
		if err != nil || r.Outcome != c.want || c.ended != "" && r.Ended() != c.ended {
			t.Errorf("%s: %+v, %v, want %s in %s", name, r, err, c.want, c.ended)
		}
		if r.Outcome == report.OK && (r.Protocol != "h3" || r.Status != 200 || r.Server != address || r.CertificateEnds.IsZero()) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestHTTP3ConnectionsThatFail(t *testing.T) {
	ours, theirs := probetest.NewAuthority(t), probetest.NewAuthority(t)
	address := probetest.ServeHTTP3(t, ours.Server(t), http.HandlerFunc(misbehave))
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	other, err := quic.ListenAddr("127.0.0.1:0", ours.Server(t, "doq"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for name, c := range map[string]struct {
		address string
		tls     conn.TLSOptions
		want    report.Outcome
	}{
		"closed port":       {closed.LocalAddr().String(), conn.TLSOptions{RootCAs: ours.Pool()}, report.UDPRefused},
		"silent port":       {silent.LocalAddr().String(), conn.TLSOptions{RootCAs: ours.Pool()}, report.UDPTimedOut},
		"unknown authority": {address, conn.TLSOptions{RootCAs: theirs.Pool(), ServerName: "shop.example"}, report.TLSCertAuthorityInvalid},
		"other name":        {address, conn.TLSOptions{RootCAs: ours.Pool(), ServerName: "other.example"}, report.TLSCertNameInvalid},
		"other protocol":    {other.Addr().String(), conn.TLSOptions{RootCAs: ours.Pool(), ServerName: "shop.example"}, report.TLSProtocolError},
	} {
		o := &httpprobe.Options{URL: "https://" + c.address, Version: "h3", TLS: c.tls}
		r, err := probetest.Once(t, o, probe.Env{}, 500*time.Millisecond)
		if err != nil || r.Outcome != c.want || r.Ended() != conn.StepConnect {
			t.Errorf("%s: %+v, %v, want %s", name, r, err, c.want)
		}
	}
}

func TestOptionsOfHTTP3NameTheirFault(t *testing.T) {
	for want, o := range map[string]httpprobe.Options{
		"h3 needs an https URL": {URL: "http://a.example", Version: "h3"},
		"h3 needs TLS13":        {URL: "https://a.example", Version: "h3", TLS: conn.TLSOptions{MaxVersion: "TLS12"}},
		"want h3":               {URL: "https://a.example", Version: "h4"},
	} {
		if _, err := o.Probe(probe.Env{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
