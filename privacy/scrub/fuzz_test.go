package scrub

import (
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

func FuzzScrubURL(f *testing.F) {
	for _, s := range []string{"/users/alice/%40/a%2540b.c;x=1", "//a/./..", `\users\x`, "/eyJhbGciOiJIUzI1NiJ9.e30", "/%zz/[email]/:id", "/~x/V1St_Z5:"} {
		f.Add("https", "Shop.example:443", s, "q=1")
		f.Add("WS", "[2001:DB8::1%25eth0]:80", s, "#?/\\@")
	}
	f.Add("http", "bücher.example.", "", "")
	f.Fuzz(func(t *testing.T, scheme, host, path, private string) {
		raw := scheme + "://" + host + path
		out := URL(raw)
		if again := URL(out); again != out {
			t.Fatalf("ScrubURL(%q)\n  gives %q\nand then %q", raw, out, again)
		}
		if len(out) > report.MaxURL {
			t.Fatalf("%d bytes", len(out))
		}
		for i := range len(out) {
			if c := out[i]; c <= ' ' || c == 0x7f || strings.IndexByte("?#@;%\\\"<>", c) >= 0 {
				t.Fatalf("ScrubURL(%q) = %q", raw, out)
			}
		}
		if !strings.ContainsAny(raw, "?#") {
			if with := URL(raw + "?" + private); with != out {
				t.Fatalf("a query makes %q of %q", with, out)
			}
			if with := URL(raw + "#" + private); with != out {
				t.Fatalf("a fragment makes %q of %q", with, out)
			}
		}
		if !strings.ContainsAny(host+private, `/\?#`) {
			if with := URL(scheme + "://" + private + "@" + host + path); !strings.Contains(host, "@") && with != out && !strings.ContainsAny(scheme, ":") {
				t.Fatalf("a user makes %q of %q", with, out)
			}
		}
		if target := Target(scheme, host); target != "" && Target(scheme, target[strings.Index(target, "://")+3:]) != target {
			t.Fatalf("Target(%q, %q) = %q, which is another's", scheme, host, target)
		}
	})
}

func FuzzScrubText(f *testing.F) {
	for _, s := range []string{
		`Get "https://alice:pw@shop.example/u/1234?x=y": read tcp 10.0.0.1:5->[2001:db8::1%eth0]:443: reset`,
		"password='hunter2' token: abc Cookie: a=b\nAuthorization: Bearer abcdefgh", "4111 1111 1111 1111 and +49 171 1234567, alice@mail.example",
		`open C:\Users\alice\x /home/bob/y /a?b=c o'b@c`, "[email] [token]:[id] password=[secret]x ::1 a::b aa:bb:cc:dd:ee:ffz", "eyJhbGciOiJIUzI1NiJ9.e30 3f2a9c81d7e64b5a http://[url]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkText(t, s) })
}
