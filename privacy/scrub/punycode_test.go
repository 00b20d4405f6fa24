package scrub

import (
	"bufio"
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestOneHostHasOneName, whoever writes it how.
func TestOneHostHasOneName(t *testing.T) {
	for want, hosts := range map[string][]string{
		"https://xn--bcher-kva.invalid":      {"bücher.invalid", "BÜCHER.invalid", "xn--bcher-kva.invalid", "XN--BCHER-KVA.invalid.", "bücher.invalid.", "bücher。invalid", "bücher.invalid.:443"},
		"https://xn--bcher-kva.invalid:8443": {"bücher.invalid:8443", "xn--bcher-kva.invalid.:8443"},
		"https://shop.example":               {"shop.example.", "Shop.Example", "shop.example.:443"},
		"https://xn--fsqu00a.xn--0zwm56d":    {"例子.测试", "例子。测试."},
		"https://127.0.0.1":                  {"127.0.0.1", "127.0.0.1."},
	} {
		for _, host := range hosts {
			if got := Target("https", host); got != want {
				t.Errorf("Target of %q: %q, want %q", host, got, want)
			}
		}
	}
	for _, host := range []string{".", "..", "a..", "。", "bücher..invalid", "\xff.example", "☃.example", strings.Repeat("ü", 60) + ".example"} {
		if got := Target("https", host); got != "" {
			t.Errorf("Target of %q: %q, want none", host, got)
		}
	}
}

// TestPunycodeIsNetHTTPs: the Host that net/http sends names the same host. (Capitals it encodes as
// they are, unlike its own dialing and browsers.)
func TestPunycodeIsNetHTTPs(t *testing.T) {
	for _, host := range []string{
		"bücher.example", "straße.example", "ελλάδα.gr", "пример.испытание", "مثال.إختبار", "उदाहरण.परीक्षा", "한국.kr", "日本語.jp", "xn--80ak6aa92e.com",
		"a-ü-b.example", "üü.example", "𐌰.example", "ドメイン名例.jp", "faß.de", "ไทย.th", "ג.il",
	} {
		var b bytes.Buffer
		if err := (&http.Request{Method: "GET", URL: &url.URL{Scheme: "http", Host: host, Path: "/"}}).Write(&b); err != nil {
			t.Fatal(err)
		}
		sent, err := http.ReadRequest(bufio.NewReader(&b))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := Target("http", host), "http://"+strings.ToLower(sent.Host); got != want {
			t.Errorf("Target of %s: %s, net/http asks for %s", host, got, want)
		}
	}
}
