package roles

import (
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/dnsprobe"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
)

// modules are those of blackbox_exporter's example configuration.
const modules = `prober:
  modules:
    http_2xx:
      prober: http
      timeout: 3s
      http:
        preferred_ip_protocol: "ip4"
        fail_if_header_matches: [{header: Set-Cookie, regexp: '.*Domain=\.example\.com.*', allow_missing: true}]
    http_post_2xx: {prober: http, http: {method: POST, basic_auth: {username: u, password: p}, follow_redirects: false, valid_status_codes: [200, 302]}}
    smtp_starttls:
      prober: tcp
      timeout: 5s
      tcp:
        query_response: [{expect: "^220 ([^ ]+) ESMTP"}, {send: "EHLO prober\r"}, {expect: "^250-STARTTLS"}, {send: "STARTTLS\r"}, {expect: "^220"}, {starttls: true}]
    dns_udp_example: {prober: dns, timeout: 5s, dns: {query_name: "www.prometheus.io", query_type: "A", valid_rcodes: [NOERROR],
      validate_answer_rrs: {fail_if_matches_regexp: [".*127.0.0.1"]}}}
    icmp: {prober: icmp}
`

func TestModulesMakeTargets(t *testing.T) {
	c, err := parse("h.yaml", []byte(modules+`  targets:
    - {name: web, module: http_2xx, target: web.example, row: r1, tls_config: {warn_days: 30}}
    - {name: post, module: http_post_2xx, target: "https://web.example/"}
    - {name: mx, module: smtp_starttls, target: "mx.example:25"}
    - {name: ns, module: dns_udp_example, target: "192.0.2.53"}
    - {name: gateway, module: icmp, target: 192.0.2.1}
`))
	if err != nil {
		t.Fatal(err)
	}
	o, err := proberOptions(c)
	if err != nil {
		t.Fatal(err)
	}
	web := o.Targets[0].Spec.(*httpprobe.Options)
	if web.URL != "http://web.example" || !web.FollowRedirects || !web.HTTP2 || web.StatusMax != 299 || web.Prefer != "ip4" ||
		web.TLS != (conn.TLSOptions{WarnDays: 30}) || !web.FailIfHeaderMatches[0].AllowMissing {
		t.Errorf("%+v", web)
	}
	if target := o.Targets[0]; target.Timeout != 3*time.Second || target.Row != "r1" {
		t.Errorf("%+v", target)
	}
	post := o.Targets[1].Spec.(*httpprobe.Options)
	if post.URL != "https://web.example/" || post.FollowRedirects || post.Method != "POST" || post.BasicAuth.Username != "u" || len(post.ValidCodes) != 2 || post.StatusMax != 0 {
		t.Errorf("%+v", post)
	}
	if mx := o.Targets[2].Spec.(*tcpprobe.Options); len(mx.Dialogue) != 6 || !mx.Dialogue[5].StartTLS || mx.Target != "mx.example:25" {
		t.Errorf("%+v", mx)
	}
	if ns := o.Targets[3].Spec.(*dnsprobe.Options); ns.Address() != "192.0.2.53:53" || len(ns.Answer.FailIfMatches) != 1 {
		t.Errorf("%+v", ns)
	}
	if gateway := o.Targets[4].Spec; gateway.Kind() != "icmp" || gateway.Address() != "192.0.2.1" {
		t.Errorf("%+v", gateway)
	}
}

func TestModulesNameTheirFault(t *testing.T) {
	for text, want := range map[string]string{
		"  modules:\n    a: {prober: gopher}\n":                                                     "h.yaml:3: prober.modules.a.prober: want ",
		"  modules:\n    a:\n      prober: http\n      http: {zz: 1, yy: 2, proxy_url: p, xx: 3}\n": "h.yaml:5: prober.modules.a.http.proxy_url: unknown field",
		"  modules:\n    a:\n      prober: http\n      http:\n        body_size_limit: 1MB\n":       "h.yaml:6: prober.modules.a.http.body_size_limit: unknown field",
		"  modules:\n    a:\n      prober: http\n      http: 7\n":                                   "h.yaml:5: prober.modules.a.http: want a map",
		"  modules:\n    a:\n      prober: http\n      proxy: x\n":                                  "h.yaml:5: prober.modules.a.proxy: unknown key",
		"  modules:\n    a:\n      prober: http\n      timeout: soon\n":                             "h.yaml:5: prober.modules.a.timeout: want a duration",
		"  modules:\n    a:\n      prober: http\n      http: {url: \"http://a\"}\n":                 "prober.modules.a.http.url: is the target's",
		"  targets:\n    - {name: a, module: b, target: c}\n":                                       "h.yaml:3: prober.targets[0].module: a: there is no module",
		"  targets:\n    - {name: a, target: c}\n":                                                  "prober.targets[0].target: a: belongs to a module",
		"  modules: {a: {prober: icmp}}\n  targets:\n    - {name: a, module: a}\n":                  "prober.targets[0].target: a: must not be empty",
		"  modules: {a: {prober: icmp}}\n  targets:\n    - {name: a, module: a, target: c, x: 1}\n": "h.yaml:4: prober.targets[0].x: a: unknown field",
	} {
		if _, err := parse("h.yaml", []byte("prober:\n"+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%serror %v, want one with %q", text, err, want)
		}
	}
}

// Expressions are compiled when the configuration is read.
func TestFaultyExpressionsAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		`  targets:
    - {name: a, tcp: "a:1"}
    - name: b
      url: "https://b"
      assert:
        - status == 200
        - status ==
`: "h.yaml:8: prober.targets[1].assert[1]: b: 1:10: Syntax error",
		`  targets:
    - name: b
      url: "https://b"
      fail_if_body_json_matches_cel: bodies.up
`: "h.yaml:5: prober.targets[0].fail_if_body_json_matches_cel: b: 1:1: undeclared reference to 'bodies'",
		`  modules:
    m:
      prober: http
      http:
        assert: [certificate_days]
`: "h.yaml:6: prober.modules.m.http.assert[0]: is of type double",
	} {
		if _, err := parse("h.yaml", []byte("prober:\n"+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	c, err := parse("h.yaml", []byte("prober:\n  targets:\n    - {name: a, tcp: 'a:1', assert: ['seconds < 0.5']}\n    - {name: b, icmp: 'a', assert: ['family == 6']}\n"))
	if err != nil || len(c.Prober.Targets) != 2 {
		t.Error(err)
	}
}

// Keys that blackbox_exporter has since 0.27.
func TestNewerModules(t *testing.T) {
	c, err := parse("h.yaml", []byte(`prober:
  modules:
    quic: {prober: http, http: {enable_http3: true, enable_http2: false, http_headers: {X-Key: {files: [key.txt]}}}}
    health: {prober: grpc, grpc: {service: shop, metadata: {x-tenant: [shop]}}}
    json: {prober: http, http: {fail_if_body_json_not_matches_cel: "body.foo == 'bar' && body.baz.startsWith('q')"}}
  targets:
    - {name: quic, module: quic, target: "https://web.example/"}
    - {name: health, module: health, target: "web.example:50051"}
`))
	if err != nil {
		t.Fatal(err)
	}
	quic := c.Prober.Targets[0].Spec.(*httpprobe.Options)
	if quic.Version != "h3" || quic.MoreHeaders["X-Key"].Files[0] != "key.txt" {
		t.Errorf("%+v", quic)
	}
}
