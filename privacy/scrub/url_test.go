package scrub

import (
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

func TestScrubURL(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	for _, c := range []struct{ name, raw, want string }{
		{"plain", "https://shop.example/cart/checkout", "https://shop.example/cart/checkout"},
		{"no path", "https://shop.example", "https://shop.example/"},
		{"query and fragment", "https://shop.example/find?q=alice&t=s3cret#top", "https://shop.example/find"},
		{"query without path", "https://shop.example?q=alice", "https://shop.example/"},
		{"fragment before query", "https://shop.example/a#b?c", "https://shop.example/a"},
		{"question mark in fragment of host", "https://shop.example#?@evil.example/", "https://shop.example/"},
		{"userinfo", "https://alice:hunter2@shop.example/a", "https://shop.example/a"},
		{"userinfo with an @ in the password", "https://alice:hun@ter2@shop.example/a", "https://shop.example/a"},
		{"userinfo with a slash in the password", "https://alice:hun/ter2@shop.example/a", ""},
		{"userinfo with an escaped @", "https://alice%40mail.example:pw@shop.example/a", "https://shop.example/a"},

		{"scheme in capitals", "HTTPS://Shop.Example/Cart", "https://shop.example/Cart"},
		{"websocket", "wss://Shop.example:443/live", "wss://shop.example/live"},
		{"websocket without TLS", "WS://shop.example:80/live", "ws://shop.example/live"},
		{"default port", "http://shop.example:80/a", "http://shop.example/a"},
		{"the other scheme's default port", "http://shop.example:443/a", "http://shop.example:443/a"},
		{"empty port", "https://shop.example:/a", "https://shop.example/a"},
		{"port with zeros before it", "https://shop.example:08443/a", "https://shop.example:8443/a"},
		{"IPv4", "http://192.0.2.1:8080/a", "http://192.0.2.1:8080/a"},
		{"IPv6", "https://[2001:DB8:0:0:0:0:0:1]:8443/a", "https://[2001:db8::1]:8443/a"},
		{"IPv6 without port", "https://[::1]/a", "https://[::1]/a"},
		{"IPv6 with escaped zone", "http://[fe80::1%25wlan0]:80/a", "http://[fe80::1]/a"},
		{"internationalized host", "https://Bücher.example/a", "https://xn--bcher-kva.example/a"},
		{"internationalized host in capitals", "https://BÜCHER.example/a", "https://xn--bcher-kva.example/a"},
		{"punycode host", "https://xn--bcher-kva.example/a", "https://xn--bcher-kva.example/a"},
		{"absolute host", "https://shop.example./a", "https://shop.example/a"},
		{"underscore in host", "https://_sip.shop.example/a", "https://_sip.shop.example/a"},

		{"number", "https://shop.example/orders/100234/items", "https://shop.example/orders/:id/items"},
		{"short number", "https://shop.example/v2/page/12", "https://shop.example/v2/page/12"},
		{"three digits", "https://shop.example/orders/123", "https://shop.example/orders/:id"},
		{"digits apart", "https://shop.example/orders/a1-b2-c3", "https://shop.example/orders/:id"},
		{"uuid", "https://shop.example/o/123e4567-e89b-12d3-a456-426614174000", "https://shop.example/o/:id"},
		{"uuid in capitals and braces", "https://shop.example/o/%7B123E4567-E89B-12D3-A456-426614174000%7D", "https://shop.example/o/:id"},
		{"uuid without digits", "https://shop.example/o/abcdefab-cdef-abcd-efab-cdefabcdefab", "https://shop.example/o/:id"},
		{"hex", "https://shop.example/c/deadbeef", "https://shop.example/c/:id"},
		{"hex in capitals", "https://shop.example/c/DEADBEEFCAFE", "https://shop.example/c/:id"},
		{"mac address", "https://shop.example/c/aa:bb:cc:dd:ee:ff", "https://shop.example/c/:id"},
		{"hash in a file name", "https://shop.example/static/app.3f2a9c81.js", "https://shop.example/static/:id"},
		{"ulid", "https://shop.example/o/01ARZ3NDEKTSV4RRFFQ69G5FAV", "https://shop.example/o/:id"},
		{"nanoid", "https://shop.example/o/V1StGXR8_Z5jdHi6B-myT", "https://shop.example/o/:id"},
		{"video id", "https://shop.example/watch/dQw4w9WgXcQ", "https://shop.example/watch/:id"},
		{"short link", "https://shop.example/aB3xYz9", "https://shop.example/:id"},
		{"base64", "https://shop.example/r/YWxpY2VAZXhhbXBsZS5jb20=", "https://shop.example/r/:id"},
		{"base64url of letters only", "https://shop.example/r/QUxJQ0VfSVNfSEVSRQ", "https://shop.example/r/:id"},
		{"mixed case", "https://shop.example/r/qWeRtYuIoP", "https://shop.example/r/:id"},
		{"iban", "https://shop.example/pay/DE89370400440532013000", "https://shop.example/pay/:id"},
		{"card", "https://shop.example/pay/4111-1111-1111-1111", "https://shop.example/pay/:id"},
		{"telephone number", "https://shop.example/call/+49-171-1234567", "https://shop.example/call/:id"},
		{"address", "https://shop.example/ban/10.0.0.1", "https://shop.example/ban/:id"},
		{"coordinates", "https://shop.example/map/@52.5,13.4,15z", "https://shop.example/map/:id"},
		{"jwt", "https://shop.example/verify/" + jwt, "https://shop.example/verify/[token]"},
		{"api key", "https://shop.example/key/sk_live_abcdefghijklmnop", "https://shop.example/key/[token]"},
		{"telegram bot", "https://api.shop.example/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/getMe", "https://api.shop.example/:id/getMe"},

		{"reset", "https://shop.example/reset/abcdefgh", "https://shop.example/reset/:id"},
		{"invitation", "https://shop.example/invite/TREEHOUSE/join", "https://shop.example/invite/:id/join"},
		{"resets", "https://shop.example/resets/abcdefgh", "https://shop.example/resets/:id"},
		{"referral", "https://shop.example/referral/bobsmith", "https://shop.example/referral/:id"},
		{"verification", "https://shop.example/email/verify/sesame", "https://shop.example/email/verify/:id"},
		{"password reset", "https://shop.example/password-reset/sesame", "https://shop.example/password-reset/:id"},
		{"step of a reset", "https://shop.example/reset/password", "https://shop.example/reset/password"},
		{"e-mail", "https://shop.example/unsubscribe/alice@mail.example", "https://shop.example/unsubscribe/[email]"},
		{"percent-encoded e-mail", "https://shop.example/unsubscribe/alice%40mail.example", "https://shop.example/unsubscribe/[email]"},
		{"e-mail encoded in full", "https://shop.example/u%6Esub/%61lice%40mail%2eexample", "https://shop.example/unsub/[email]"},
		{"e-mail encoded twice", "https://shop.example/unsubscribe/alice%2540mail.example", "https://shop.example/unsubscribe/[email]"},
		{"e-mail encoded five times", "https://shop.example/unsubscribe/alice%2525252540mail.example", "https://shop.example/unsubscribe/:id"},
		{"uuid encoded", "https://shop.example/o/%31%32%33e4567%2De89b", "https://shop.example/o/:id"},
		{"handle", "https://social.example/@alice", "https://social.example/:id"},
		{"handle on another host", "https://social.example/@alice@other.example", "https://social.example/:id"},
		{"tilde", "https://uni.example/~alice/index.html", "https://uni.example/:id/index.html"},
		{"name after users", "https://shop.example/api/users/alice/orders", "https://shop.example/api/users/:id/orders"},
		{"name after Users and an empty segment", "https://shop.example/Users//alice", "https://shop.example/Users//:id"},
		{"me", "https://shop.example/users/me/orders", "https://shop.example/users/me/orders"},
		{"e-mail after users", "https://shop.example/users/a@b.example", "https://shop.example/users/[email]"},
		{"search in the path", "https://shop.example/search/john%20smith", "https://shop.example/search/:id"},
		{"search with plus", "https://shop.example/search/john+smith", "https://shop.example/search/:id"},
		{"name in other letters", "https://shop.example/wiki/Jos%C3%A9", "https://shop.example/wiki/:id"},
		{"raw bytes", "https://shop.example/wiki/\xff\xfe", "https://shop.example/wiki/:id"},
		{"OData key", "https://shop.example/Customers('ALFKI')/Orders", "https://shop.example/:id/Orders"},
		{"matrix parameters", "https://shop.example/cart;jsessionid=1A530637289A/pay;x=alice", "https://shop.example/cart/pay"},
		{"encoded semicolon", "https://shop.example/cart%3Bjsessionid=1A53/pay", "https://shop.example/:id/pay"},
		{"key and value", "https://shop.example/token=abc/a", "https://shop.example/:id/a"},
		{"encoded question mark", "https://shop.example/a%3Ftoken=abc", "https://shop.example/:id"},
		{"URL in the path", "https://proxy.example/fetch/https://alice:pw@bank.example/x?y=z", "https://proxy.example/fetch/https://[email]/x"},
		{"encoded URL in the path", "https://proxy.example/fetch/https%3A%2F%2Fbank.example%2Falice", "https://proxy.example/fetch/:id"},
		{"broken escape", "https://shop.example/a%zz/b%4", "https://shop.example/:id/:id"},
		{"encoded NUL", "https://shop.example/a%00b", "https://shop.example/:id"},
		{"control bytes in the path", "https://shop.example/a\x00b/\tc\n", "https://shop.example/:id/:id"},
		{"backslashes", `https://shop.example\users\alice?x`, "https://shop.example/users/:id"},
		{"backslash before an @", `https://shop.example\@evil.example/a`, "https://shop.example/:id/a"},
		{"dots", "https://shop.example/a/./../%2e%2E/b", "https://shop.example/a/./../../b"},
		{"empty segments", "https://shop.example//a//", "https://shop.example//a//"},
		{"version in a route", "https://shop.example/api/v1.1/getUserProfile", "https://shop.example/api/v1.1/getUserProfile"},
		{"custom verb", "https://shop.example/v1/projects:search", "https://shop.example/v1/projects:search"},
		{"file", "https://shop.example/README.md", "https://shop.example/README.md"},
		{"placeholders", "https://shop.example/:id/[email]/[token]", "https://shop.example/:id/[email]/[token]"},
		{"long word", "https://shop.example/" + strings.Repeat("x", 20), "https://shop.example/:id"},
		{"long slug", "https://shop.example/" + strings.Repeat("word-", 13), "https://shop.example/:id"},
		{"very long segment", "https://shop.example/" + strings.Repeat("%61", 1000) + "/b", "https://shop.example/:id/b"},

		{"empty", "", ""},
		{"relative", "/a/b?c", ""},
		{"scheme-relative", "//shop.example/a", ""},
		{"opaque", "mailto:alice@mail.example", ""},
		{"data", "data:text/plain,alice", ""},
		{"file scheme", "file:///home/alice/x", ""},
		{"javascript", "javascript:alert(1)//https://x", ""},
		{"one slash", "https:/shop.example/a", ""},
		{"no host", "https:///a", ""},
		{"userinfo without host", "https://alice@/a", ""},
		{"space before it", " https://shop.example/a", ""},
		{"space in the host", "https://shop .example/a", ""},
		{"control byte in the host", "https://shop\n.example/a", ""},
		{"escape in the host", "https://shop%2eexample/a", ""},
		{"fullwidth question mark in the host", "https://shop.example？token=abc/a", ""},
		{"fullwidth solidus in the host", "https://shop.example／users/a", ""},
		{"invalid bytes in the host", "https://shop\xff.example/a", ""},
		{"empty label", "https://shop..example/a", ""},
		{"port zero", "https://shop.example:0/a", ""},
		{"port too large", "https://shop.example:65536/a", ""},
		{"port with a sign", "https://shop.example:+80/a", ""},
		{"two ports", "https://shop.example:80:80/a", ""},
		{"IPv6 without brackets", "https://2001:db8::1/a", ""},
		{"IPv6 cut short", "https://[2001:db8::1/a", ""},
		{"text after IPv6", "https://[2001:db8::1]x/a", ""},
		{"IPv4 in brackets", "https://[192.0.2.1]/a", ""},
		{"long host", "https://" + strings.Repeat("a.", 128) + "/a", ""},
		{"scheme with U+017F", "http\u017f://shop.example/a", ""},
	} {
		got := URL(c.raw)
		if got != c.want {
			t.Errorf("%s: URL(%q)\n got %q\nwant %q", c.name, c.raw, got, c.want)
		}
		if again := URL(got); again != got {
			t.Errorf("%s: scrubbing %q again gives %q", c.name, got, again)
		}
	}
}

func TestScrubURLKeepsWholeSegmentsWithinLimit(t *testing.T) {
	got := URL("https://shop.example" + strings.Repeat("/some-words", 1000))
	if len(got) > report.MaxURL || len(got) < report.MaxURL-len("/some-words") || !strings.HasSuffix(got, "/some-words") {
		t.Errorf("got %d bytes that end in %q", len(got), got[max(0, len(got)-20):])
	}
}

// A scrubber that takes quadratic time would not finish these.
func TestScrubbingHugeInputEnds(t *testing.T) {
	const n = 1 << 17
	for _, unit := range []string{"a", "/", "%", "%25", "@", ":", "::", "1:", "a:", "1 ", "1-", "12 ", ".", "1.", "[", "'", "a'", "\"", "http://", "://",
		"/home/", "password=", "password=\"", "password='", "cookie:", "bearer ", "+1", "+", "a@", "\\", "Users\\", "?", "a/?", "x/?y", "=", "token: ", "[email]", "\xff", "é"} {
		in := strings.Repeat(unit, n/len(unit))
		URL("https://shop.example/" + in)
		URL("https://" + in)
		Text(in)
	}
}

func TestTarget(t *testing.T) {
	for _, c := range []struct{ scheme, host, want string }{
		{"https", "shop.example", "https://shop.example"},
		{"HTTPS", "Shop.Example:443", "https://shop.example"},
		{"https", "127.0.0.1:8443", "https://127.0.0.1:8443"},
		{"http", "[::1]:80", "http://[::1]"},
		{"http", "[::FFFF:127.0.0.1]:81", "http://[::ffff:127.0.0.1]:81"},
		{"wss", "alice:pw@shop.example:444", "wss://shop.example:444"},
		{"https", "", ""},
		{"https", "shop.example/path", ""},
		{"https", "shop.example?x", ""},
		{"ftp", "shop.example", ""},
		{"", "shop.example", ""},
		{"https", strings.Repeat("a", 254), ""},
		// a valid host, but beyond report.MaxString
		{"https", strings.Repeat("a", 250) + ":8443", ""},
	} {
		if got := Target(c.scheme, c.host); got != c.want {
			t.Errorf("Target(%q, %q) = %q, want %q", c.scheme, c.host, got, c.want)
		}
	}
}

func TestTokenStarts(t *testing.T) {
	for _, prefix := range tokenPrefixes {
		if strings.IndexByte(tokenStarts, prefix[0]) < 0 {
			t.Errorf("tokenStarts lacks the first byte of %q", prefix)
		}
	}
}
