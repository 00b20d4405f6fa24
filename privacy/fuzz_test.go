package privacy

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// What ParseSegment accepts consists of prefix, frames and end mark, and WholeFrames finds the same frames with and without the mark.
func FuzzParseSegment(f *testing.F) {
	whole := AppendEnd(sealed(f, openKey(f, 1).SealKey(), []byte("a"), []byte("bc")))
	f.Add(whole)
	f.Add(whole[:len(whole)-endSize])
	f.Add(append(bytes.Clone(whole), 0))
	f.Add(AppendEnd(append(bytes.Clone(whole[:prefixSize]), 0, 1, 0, 16)))
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := ParseSegment(b)
		if err != nil {
			return
		}
		again, frames := bytes.Clone(b[:prefixSize]), 0
		for off := prefixSize; ; frames++ {
			n, err := frameAt(b, off)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
			again = append(again, b[off:off+lengthSize+n]...)
			off += lengthSize + n
		}
		if again = AppendEnd(again); !bytes.Equal(again, b) || frames != info.Frames || frames == 0 || len(b) > MaxSegment {
			t.Fatalf("%d bytes of %d frames came back as %d of %d", len(b), info.Frames, len(again), frames)
		}
		for _, torn := range [][]byte{b, b[:len(b)-endSize]} {
			if n, err := WholeFrames(torn); n != len(b)-endSize || err != nil {
				t.Fatalf("WholeFrames found %d, %v", n, err)
			}
		}
	})
}

// Whatever WholeFrames saves is a segment once it is ended, and nothing whole is left behind.
func FuzzWholeFrames(f *testing.F) {
	whole := sealed(f, openKey(f, 1).SealKey(), []byte("a"), []byte("bc"))
	f.Add(whole)
	f.Add(AppendEnd(bytes.Clone(whole)))
	f.Add(whole[:len(whole)-1])
	f.Add(append(bytes.Clone(whole), make([]byte, 100)...))
	f.Add(append(bytes.Clone(whole), make([]byte, MaxSegment)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := WholeFrames(b)
		if err != nil {
			if n != 0 {
				t.Fatalf("%d bytes and an error", n)
			}
			return
		}
		if _, err := ParseSegment(AppendEnd(bytes.Clone(b[:n]))); err != nil {
			t.Fatal(err)
		}
		if m, err := WholeFrames(b[:n]); m != n || err != nil {
			t.Fatalf("%d bytes at first, then %d, %v", n, m, err)
		}
	})
}

// Nobody can make a segment that opens but with the sealer, other than by dropping frames from the end.
func FuzzKeyringOpen(f *testing.F) {
	golden, err := os.ReadFile(goldenDir + "/segment.bin") // fuzzing's processes must agree on what was sealed
	if err != nil {
		f.Fatal(err)
	}
	whole, records := golden[:len(golden)-endSize], goldenRecords
	f.Add(golden)
	f.Add(whole)
	f.Add(AppendEnd(bytes.Clone(whole[:prefixSize+lengthSize+len(records[0])+sealOverhead])))
	f.Add(AppendEnd(sealed(f, openKey(f, 2).SealKey(), records...)))
	ring := NewKeyring(openKey(f, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		info, got, err := ring.Open(b)
		if err != nil {
			if got != nil {
				t.Fatal("records and an error")
			}
			return
		}
		if !bytes.HasPrefix(whole, b[:len(b)-endSize]) || info.ID != testBatch || info.Frames != len(got) {
			t.Fatal("a forged segment opens")
		}
		for i, r := range got {
			if !bytes.Equal(r, records[i]) {
				t.Fatalf("record %d is %q", i, r)
			}
		}
	})
}

// Taken as a receipt, no input but those that were signed is accepted. Taken as the statement of a receipt whose signature is good, an
// input that is accepted is the one encoding of what it says.
func FuzzVerifyReceipt(f *testing.F) {
	known := make(map[string]bool)
	for _, r := range append(receipts(f, signingKey(3), testStatements...), receipts(f, signingKey(3), testStatements[0])...) {
		known[string(r)] = true
		f.Add(r)
		f.Add(r[:len(r)-1])
	}
	for i := range testStatements {
		f.Add(appendStatement(nil, &testStatements[i]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := VerifyReceipt(publicKey(3), b); err == nil && !known[string(b)] {
			t.Fatal("a forged receipt is accepted")
		}
		r := append([]byte(receiptMagic), receiptVersion)
		r = append(r, ed25519.Sign(signingKey(3), receiptMessage(1, leafHash(b)))...)
		r = append(append(r, 0, 0, 0, 1, 0, 0, 0, 0), b...)
		s, err := VerifyReceipt(publicKey(3), r)
		if err != nil {
			return
		}
		if again := receipts(t, signingKey(3), s)[0]; !bytes.Equal(again, r) {
			t.Fatalf("%x came back as %x", r, again)
		}
	})
}

// Taken as a signed policy, no input but the one that was signed is accepted. Taken as the body of a policy whose signature is good, an
// input that is accepted is the one encoding of what it says.
func FuzzOpenPolicy(f *testing.F) {
	minimal := testPolicy(f)
	minimal.Disabled, minimal.MaxConsent = true, report.Off
	minimal.Collectors = minimal.Collectors[1:]
	minimal.Signers = minimal.Signers[:1]
	known := make(map[string]bool)
	for _, p := range []*Policy{testPolicy(f), obliviousPolicy(f), minimal} {
		b := signed(f, p, signingKey(1))
		known[string(b)] = true
		f.Add(b)
		f.Add(b[:len(b)-1])
		f.Add(b[policyBody:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := OpenPolicy(b, publicKey(1)); err == nil && !known[string(b)] {
			t.Fatal("a forged policy is accepted")
		}
		file := append([]byte(policyMagic), policyVersion)
		file = append(append(file, publicKey(1)...), ed25519.Sign(signingKey(1), policyMessage(b))...)
		file = append(file, b...)
		p, err := OpenPolicy(file, publicKey(1))
		if err != nil {
			return
		}
		if again := signed(t, p, signingKey(1)); !bytes.Equal(again, file) {
			t.Fatalf("%x came back as %x", file, again)
		}
	})
}

// No header but those that were signed is accepted.
func FuzzVerifyFeed(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	good := SignFeed(signingKey(5), "c1", "GET", "/v1/feed?after=1", now)
	f.Add(good)
	f.Add(good + "=")
	f.Add(good + "\n")
	f.Add(strings.Replace(good, "ts=", "ts=0", 1))
	f.Add("Heliograph-Feed ts=,key=,sig=")
	f.Fuzz(func(t *testing.T, authorization string) {
		key, err := VerifyFeed(authorization, "c1", "GET", "/v1/feed?after=1", now, time.Minute, publicKey(5))
		if err == nil && (authorization != good || !key.Equal(publicKey(5))) {
			t.Fatalf("a forged header is accepted: %q", authorization)
		}
	})
}

// Scrubbing again changes nothing; what is in query, fragment and userinfo leaves no trace; what remains is short and printable.
func FuzzScrubURL(f *testing.F) {
	for _, s := range []string{"/users/alice/%40/a%2540b.c;x=1", "//a/./..", `\users\x`, "/eyJhbGciOiJIUzI1NiJ9.e30", "/%zz/[email]/:id", "/~x/V1St_Z5:"} {
		f.Add("https", "Shop.example:443", s, "q=1")
		f.Add("WS", "[2001:DB8::1%25eth0]:80", s, "#?/\\@")
	}
	f.Add("http", "bücher.example.", "", "")
	f.Fuzz(func(t *testing.T, scheme, host, path, private string) {
		raw := scheme + "://" + host + path
		out := ScrubURL(raw)
		if again := ScrubURL(out); again != out {
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
			if with := ScrubURL(raw + "?" + private); with != out {
				t.Fatalf("a query makes %q of %q", with, out)
			}
			if with := ScrubURL(raw + "#" + private); with != out {
				t.Fatalf("a fragment makes %q of %q", with, out)
			}
		}
		if !strings.ContainsAny(host+private, `/\?#`) {
			if with := ScrubURL(scheme + "://" + private + "@" + host + path); !strings.Contains(host, "@") && with != out && !strings.ContainsAny(scheme, ":") {
				t.Fatalf("a user makes %q of %q", with, out)
			}
		}
		if target := Target(scheme, host); target != "" && Target(scheme, target[strings.Index(target, "://")+3:]) != target {
			t.Fatalf("Target(%q, %q) = %q, which is another's", scheme, host, target)
		}
	})
}

// Scrubbing again changes nothing, and the result is text.
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
