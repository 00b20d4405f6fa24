package scrub

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestScrubText(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"nothing to hide", "dial tcp: lookup shop.example: no such host (attempt 3 of 5)", "dial tcp: lookup shop.example: no such host (attempt 3 of 5)"},
		{"identifiers", "panic in handleHTTPRequest at internal/cart/checkout_test.go:123 +0x1a4", "panic in handleHTTPRequest at internal/cart/checkout_test.go:123 +0x1a4"},
		{"status and time", "503 after 12:34:56 in 1.25s", "503 after 12:34:56 in 1.25s"},
		{"camelCase", "TypeError: cannot read getUserProfileByName2 of undefined", "TypeError: cannot read getUserProfileByName2 of undefined"},
		{"C++ scopes", "std::vector<int>::at", "std::vector<int>::at"},
		{"apostrophe", "can't open what's 'here'", "can't open what's 'here'"},

		{"e-mail", "no user alice@mail.example.", "no user [email]"},
		{"e-mail in brackets", "to <alice.o'brien+x@mail.example>, sent", "to <[email]>, sent"},
		{"e-mail, percent-encoded", "GET /u/alice%40mail.example failed", "GET [email] failed"},
		{"e-mail, percent-encoded twice", "to=alice%2540mail.example", "to=[email]"},
		{"percent-encoded words", "a%20b%2Fc%20100%25", "a%20b%2Fc%20100%25"},
		{"two e-mails", "a@b.example,c@d.example", "[email],[email]"},
		{"e-mail of other letters", "josé@exämple.example gone", "[email] gone"},
		{"user at host", "ssh alice@build", "ssh [email]"},

		{"URL", `Get "https://alice:pw@shop.example/cart/123?x=y": EOF`, `Get "https://shop.example/cart/:id": EOF`},
		{"URL in a sentence", "see (https://shop.example/cart), now", "see (https://shop.example/cart), now"},
		{"URL with a full stop", "at https://shop.example/cart?a=b.", "at https://shop.example/cart."},
		{"URL with an e-mail at its end", "[https://shop.example/u/a@b.example]", "[https://shop.example/u/[email]]"},
		{"URL in single quotes", "fetch('https://shop.example/a?x=alice') failed", "fetch('https://shop.example/a') failed"},
		{"URL after a key", "url=https://shop.example/a?x=alice&y=b ok", "url=https://shop.example/a ok"},
		{"connection string", "postgres://root:pw@10.0.0.1/users?x=y refused", "[url] refused"},
		{"file URL", "file:///home/alice/x", "[url]"},
		{"query without URL", `GET /find?q=alice%20b&z=1 "x"`, `GET /find?[query] "x"`},
		{"question", "Why /etc?", "Why /etc?"},

		{"bearer", "header was Bearer abcdefgh.ijkl", "header was Bearer [token]"},
		{"jwt", "bad token " + jwt + "!", "bad token [token]!"},
		{"stripe key", "key sk_live_abcdefghijklmnop is revoked", "key [token] is revoked"},
		{"AWS key", "AKIAIOSFODNN7EXAMPLE", "[token]"},
		{"GitHub", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[token]"},
		{"Slack", "xoxb-not-a-real-one-x", "[token]"},
		{"base64", "got YWxpY2VAZXhhbXBsZS5jb20= instead", "got [token]= instead"},
		{"base64 with slashes", "sum 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "sum [token]="},
		{"hex", "session 3f2a9c81d7e6 lost", "session [id] lost"},
		{"pointer", "at 0xc000123456", "at [id]"},
		{"uuid", "order 123e4567-e89b-12d3-a456-426614174000 not found", "order [id] not found"},
		{"digest", "digest sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "digest sha256:[id]"},
		{"PEM", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIBcb7JcN2mXr8SPqD1XkUPUoHIuQR9fBvpaPFK3oENBc\n", "-----BEGIN PRIVATE KEY-----\n[token]\n"},

		{"password", "login failed: password=hunter2, user=bob", "login failed: password=[secret], user=[user]"},
		{"password with punctuation", "password: hu$n!t#er", "password: [secret]"},
		{"password in JSON", `{"user":"bob","password":"hun ter,2","x":1}`, `{"user":"[user]","password":"[secret]","x":1}`},
		{"password in escaped JSON", `{\"password\":\"hunter2\"}`, `{\"password\":\"[secret]"}`},
		{"password in Python", "{'db_password': 'hunter2', 'x': 1}", "{'db_password': '[secret]', 'x': 1}"},
		{"password in Ruby", ":password => 'hunter2'", ":password => '[secret]'"},
		{"environment", "AWS_SECRET_ACCESS_KEY=wJalr DB_PASSWD='x y'", "AWS_SECRET_ACCESS_KEY=[secret] DB_PASSWD='[secret]'"},
		{"flag", "run --client-secret=abc --x", "run --client-secret=[secret] --x"},
		{"form", "body a=1&access_token=abc&b=2", "body a=1&access_token=[secret]&b=2"},
		{"pass", "pass: hunter2", "pass: [secret]"},
		{"no password", "bypass: yes, passed: 3", "bypass: yes, passed: 3"},
		{"token and a word", "refused token abcdefgh here", "refused token [token] here"},
		{"short words after token", "token is bad", "token is bad"},
		{"user", "for user=bob&x=1", "for user=[user]&x=1"},
		{"user name", "db_username = 'alice b'", "db_username = '[user]'"},
		{"what a user did", "user: not found", "user: not found"},
		{"IBAN", "IBAN DE89 3704 0044 0532 0130 00 refused", "IBAN [id] refused"},
		{"half an IBAN", "IBAN DE89 3704 …", "IBAN [id] …"},
		{"unannounced IBAN", "to GB82 WEST 1234 5698 7654 32, now", "to [id], now"},
		{"no IBAN", "AB12 is free", "AB12 is free"},
		{"IBAN after a colon", "IBAN: DE89 3704 0044, refused", "IBAN: [id], refused"},
		{"IBAN after an equals sign", "to_iban=DE89 3704 0044 0532 x", "to_iban=[id] x"},
		{"IBAN in small letters", "iban: de89 3704 0044", "iban: [id]"},
		{"an account's number of another kind", "iban=12345 refused", "iban=[secret] refused"},
		{"password without a colon", "the password hunter2 is wrong", "the password [secret] is wrong"},
		{"PIN", "pin 4711, pin: 1234, pin is 3", "pin [secret], pin: [secret], pin is 3"},
		{"passcode", "passcode=sesame", "passcode=[secret]"},
		{"passphrase", "passphrase: correct horse battery\nnext", "passphrase: [secret]\nnext"},
		{"token with a name", "bad refresh_token abcdefgh here", "bad refresh_token [token] here"},
		{"signature", "signature=abc&sid=def", "signature=[secret]&sid=[secret]"},
		{"account", "uid=bob account=alice", "uid=[user] account=[user]"},
		{"no value", "password= ,x", "password= ,x"},
		{"the word alone", "the password is wrong", "the password is wrong"},
		{"authorization", "Authorization: Basic YWJjOmRlZg== x\nnext: y", "Authorization: [secret]\nnext: y"},
		{"cookie", "Cookie: a=b; sid=c, d\nHost: x", "Cookie: [secret]\nHost: x"},
		{"set-cookie", "set-cookie: {a}", "set-cookie: [secret]"},

		{"IPv4", "read tcp 192.168.1.5:51234->203.0.113.9:443: connection reset", "read tcp [ip]:51234->[ip]:443: connection reset"},
		{"IPv4 in a word", "host-10.0.0.1.internal", "[ip]"},
		{"IPv6", "dial tcp [2001:db8::1]:443: refused", "dial tcp [[ip]]:443: refused"},
		{"IPv6 with zone", "from fe80::1%wlan0: lost", "from [ip]: lost"},
		{"IPv6 in short", "on ::1, ::", "on [ip], ::"},
		{"IPv6 in long", "2001:0db8:0000:0000:0000:0000:0000:0001", "[ip]"},
		{"IPv6 prefix", "route 2001:db8::/32", "route [ip]/32"},
		{"MAC", "device aa:bb:cc:dd:ee:ff gone", "device [ip] gone"},

		{"card", "card 4111111111111111 declined", "card [card] declined"},
		{"card with spaces", "item 3 4111 1111 1111 1111 12", "item 3 [card] 12"},
		{"card with dashes", "4111-1111-1111-1111.", "[card]."},
		{"card of American Express", "3782 822463 10005", "[card]"},
		{"long number", "account 12345678 unknown", "account [id] unknown"},
		{"telephone number", "call +49 (171) 123-4567 now", "call [id] now"},
		{"social security number", "SSN 123-45-6789", "SSN [id]"},

		{"home", "open /home/alice/.config/x: no such file", "open /home/[user]/.config/x: no such file"},
		{"home alone", "cd /Users/alice", "cd /Users/[user]"},
		{"home in Windows", `open C:\Users\alice\x.txt`, `open C:\Users\[user]\x.txt`},
		{"home in Windows, escaped", `"C:\\Users\\alice\\x.txt"`, `"C:\\Users\\[user]\\x.txt"`},

		{"invalid bytes", "a\xffb", "a\uFFFDb"},
		{"control bytes", "a\x00b\x1b[31mc\td\ne\rf\x7f", "a b [31mc\td\ne f "},
		{"other white space", "a@b.example\u00a0x\u2028y\r\n", "[email] x y \n"},
		{"placeholders", "[email] [token] password=[secret] /home/[user]/x", "[email] [token] password=[secret] /home/[user]/x"},
	} {
		got := Text(c.in)
		if got != c.want {
			t.Errorf("%s: Text(%q)\n got %q\nwant %q", c.name, c.in, got, c.want)
		}
		if again := Text(got); again != got {
			t.Errorf("%s: scrubbing %q again gives %q", c.name, got, again)
		}
	}
}

// A secret must be removed wherever in a message it stands.
func TestScrubTextRemovesSecretsFromEveryContext(t *testing.T) {
	contexts := []string{"%", "x %", "% x", "(%)", "[%]", "{%}", "<%>", "'%'", `"%"`, "`%`", "a=%", "a: %", "a:%", "a,%,b", "a;%;b", "a|%|b",
		"\n%\n", "\t%\t", `\"%\"`, `{"a":"%"}`, "/a/%/b", "a?b=%", "https://shop.example/%", "https://shop.example/a?b=%", "https://%@shop.example/",
		"password: %", "Cookie: %", "-%", "%.", "%,", "%:", "%!", "%?"}
	for _, secret := range []string{"alice@post.test", "4111111111111111", "123e4567-e89b-12d3-a456-426614174000", "2001:db8::dead:beef", "192.0.2.77",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.dBjftJeZ4CVP", "sk_live_abcdefghijklmnop", "YWxpY2VAZXhhbXBsZS5jb20", "3f2a9c81d7e64b5a"} {
		for _, context := range contexts {
			in := strings.ReplaceAll(context, "%", secret)
			if out := Text(in); strings.Contains(out, secret) || len(longestCommon(out, secret)) > 5 {
				t.Errorf("ScrubText(%q) = %q", in, out)
			}
		}
	}
}

// longestCommon returns the longest part of secret that is in s.
func longestCommon(s, secret string) (best string) {
	for i := range secret {
		for j := i + len(best) + 1; j <= len(secret) && strings.Contains(s, secret[i:j]); j++ {
			best = secret[i:j]
		}
	}
	return best
}

func checkText(t *testing.T, in string) {
	t.Helper()
	out := Text(in)
	if again := Text(out); again != out {
		t.Errorf("ScrubText(%q)\n  gives %q\nand then %q", in, out, again)
	}
	if !utf8.ValidString(out) {
		t.Errorf("ScrubText(%q) = %q, not UTF-8", in, out)
	}
	if len(out) > 4*len(in) {
		t.Errorf("ScrubText made %d bytes of %d", len(out), len(in))
	}
}

// Fragments in random order form contexts that nobody thinks of.
func TestScrubTextTwiceOnRandomFragments(t *testing.T) {
	fragments := []string{" ", " ", "\n", ":", "::", "=", "'", "\"", "`", "\\", "/", "//", "?", "&", ",", ".", "-", "_", "%", "@", "+", "[", "]", "(", ")", "<", ">",
		"a", "ab", "x", "0", "12", "1234", "4111 1111 1111 1111", "378282246310005", "alice@mail.example", "o'brien", "10.0.0.1", "2001:db8::1", "fe80::1%eth0",
		"aa:bb:cc:dd:ee:ff", "https://", "http://shop.example", "/users/alice", "/home/bob", "C:\\Users\\", "password", "token:", "Cookie:", "Authorization: Basic ", "Bearer ",
		"eyJhbGciOiJIUzI1NiJ9", "sk_live_abcdefghijklmnop", "3f2a9c81d7e64b5a", "123e4567-e89b-12d3-a456-426614174000", "%40", "é", "\xff", "\u00a0",
		"[email]", "[token]", "[id]", "[ip]", "[card]", "[secret]", "[user]", "[url]", "[query]", ":id"}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5_000 {
		var b strings.Builder
		for range 1 + rng.IntN(12) {
			b.WriteString(fragments[rng.IntN(len(fragments))])
		}
		checkText(t, b.String())
		if t.Failed() {
			return
		}
	}
}
