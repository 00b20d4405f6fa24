package bhttp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// The examples of RFC 9292, section 5.
const (
	knownRequest = "000347455405687474707300" + "0a2f68656c6c6f2e747874406c" +
		"0a757365722d6167656e74346375726c2f372e31362e33206c69626375726c2f372e31362e33204f70656e53534c2f302e392e376c207a6c69622f312e322e33" +
		"04686f73740f7777772e6578616d706c652e636f6d0f6163636570742d6c616e677561676506656e2c206d690000"
	indeterminateRequest = "020347455405687474707300" + "0a2f68656c6c6f2e747874" +
		"0a757365722d6167656e74346375726c2f372e31362e33206c69626375726c2f372e31362e33204f70656e53534c2f302e392e376c207a6c69622f312e322e33" +
		"04686f73740f7777772e6578616d706c652e636f6d0f6163636570742d6c616e677561676506656e2c206d6900000000000000000000000000"
	indeterminateResponse = "0340660772756e6e696e670a22736c6565702031352200" +
		"4067046c696e6b233c2f7374796c652e6373733e3b2072656c3d7072656c6f61643b2061733d7374796c65" +
		"046c696e6b243c2f7363726970742e6a733e3b2072656c3d7072656c6f61643b2061733d73637269707400" +
		"40c804646174651d4d6f6e2c203237204a756c20323030392031323a32383a353320474d54" + "0673657276657206417061636865" +
		"0d6c6173742d6d6f6469666965641d5765642c203232204a756c20323030392031393a31353a353620474d54" +
		"04657461671422333461613338372d642d3135363865623030220d6163636570742d72616e676573056279746573" +
		"0e636f6e74656e742d6c656e677468023531" + "04766172790f4163636570742d456e636f64696e67" +
		"0c636f6e74656e742d747970650a746578742f706c61696e00" +
		"3348656c6c6f20576f726c6421204d7920636f6e74656e7420696e636c75646573206120747261696c696e672043524c462e0d0a0000"
	knownResponse = "0140c8001d5468697320636f6e74656e7420636f6e7461696e732043524c462e0d0a0d07747261696c65720474657874"
)

var (
	helloRequest = &Request{Method: "GET", Scheme: "https", Path: "/hello.txt", Header: []Field{
		{"user-agent", "curl/7.16.3 libcurl/7.16.3 OpenSSL/0.9.7l zlib/1.2.3"}, {"host", "www.example.com"}, {"accept-language", "en, mi"},
	}}
	helloResponse = &Response{Status: 200, Header: []Field{
		{"date", "Mon, 27 Jul 2009 12:28:53 GMT"}, {"server", "Apache"}, {"last-modified", "Wed, 22 Jul 2009 19:15:56 GMT"},
		{"etag", `"34aa387-d-1568eb00"`}, {"accept-ranges", "bytes"}, {"content-length", "51"}, {"vary", "Accept-Encoding"},
		{"content-type", "text/plain"},
	}, Content: []byte("Hello World! My content includes a trailing CRLF.\r\n")}
	chunkedResponse = &Response{Status: 200, Content: []byte("This content contains CRLF.\r\n"), Trailer: []Field{{"trailer", "text"}}}
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sameRequest compares but for the difference between nil and empty.
func sameRequest(a, b *Request) bool {
	x, y := *a, *b
	x.Content, y.Content = append([]byte{}, a.Content...), append([]byte{}, b.Content...)
	return reflect.DeepEqual(&x, &y)
}

func sameResponse(a, b *Response) bool {
	return a.Status == b.Status && slices.Equal(a.Header, b.Header) && bytes.Equal(a.Content, b.Content) && slices.Equal(a.Trailer, b.Trailer)
}

func TestRequestExamples(t *testing.T) {
	for name, text := range map[string]string{"known length": knownRequest, "indeterminate length": indeterminateRequest} {
		b := unhex(t, text)
		for len(b) > 0 { // the zeros at the end can be left out, one by one
			r, err := DecodeRequest(b)
			if err != nil || !sameRequest(r, helloRequest) {
				t.Fatalf("%s, %d bytes: %+v, %v", name, len(b), r, err)
			}
			if b[len(b)-1] != 0 || name == "indeterminate length" && len(b) == len(text)/2-12 {
				break
			}
			b = b[:len(b)-1]
		}
		if _, err := DecodeRequest(b[:len(b)-1]); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s, cut within its fields: %v", name, err)
		}
	}
	b, err := AppendRequest(nil, helloRequest)
	if err != nil || hex.EncodeToString(b) != knownRequest {
		t.Errorf("encodes to %x, %v", b, err)
	}
}

func TestResponseExamples(t *testing.T) {
	for text, want := range map[string]*Response{indeterminateResponse: helloResponse, knownResponse: chunkedResponse} {
		if r, err := DecodeResponse(unhex(t, text)); err != nil || !sameResponse(r, want) {
			t.Errorf("%.20s…: %+v, %v", text, r, err)
		}
	}
	b, err := AppendResponse(nil, chunkedResponse)
	if err != nil || hex.EncodeToString(b) != knownResponse {
		t.Errorf("encodes to %x, %v", b, err)
	}
}

func TestChunksAreJoined(t *testing.T) {
	r, err := DecodeResponse(unhex(t, "0340c800"+"024142"+"400143"+"00"+"0178017900"))
	want := &Response{Status: 200, Content: []byte("ABC"), Trailer: []Field{{"x", "y"}}}
	if err != nil || !sameResponse(r, want) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestNamesBecomeLowerCase(t *testing.T) {
	r, err := DecodeResponse(unhex(t, "0140c806"+"035845740161"))
	if err != nil || Get(r.Header, "xet") != "a" || Get(r.Header, "other") != "" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestMalformed(t *testing.T) {
	const get = "0003474554056874747073000"
	for name, text := range map[string]string{
		"nothing":                       "",
		"framing 4":                     "04",
		"a response for a request":      knownResponse,
		"no method":                     "0000056874747073000" + "12f",
		"space in the method":           "0003472054056874747073000" + "12f",
		"no scheme":                     "00034745540000012f",
		"no path":                       get + "0",
		"control character in the path": get + "20a0a",
		"space in the authority":        "000347455405687474707301" + "20012f",
		"longer than it says":           get + "12f05",
		"field without name":            get + "12f020000",
		"space in a name":               get + "12f0401200161",
		"line end in a value":           get + "12f040178010a",
		"value with space around":       get + "12f050178026120",
		"own pseudo-field":              get + "12f08053a706174680161",
		"pseudo-field after another":    get + "12f0901780161" + "033a61620161",
		"pseudo-field in the trailer":   get + "12f0000" + "05023a610161",
		"padding of ones":               get + "12f00000001",
		"content that is not there":     get + "12f000541",
		"half an integer":               get + "12f40",
		"unterminated fields":           "02034745540568747470730001" + "2f01780161",
		"unterminated content":          "02034745540568747470730001" + "2f000161",
	} {
		if r, err := DecodeRequest(unhex(t, text)); !errors.Is(err, ErrMalformed) || r != nil {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	for name, text := range map[string]string{
		"a request": knownRequest, "status 99": "014063", "status 600": "014258", "informational alone": "01406600", "huge status": "01c0000000000000c8ff",
	} {
		if r, err := DecodeResponse(unhex(t, text)); !errors.Is(err, ErrMalformed) || r != nil {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func TestEncodersRefuseWhatDecodersRefuse(t *testing.T) {
	for name, change := range map[string]func(*Request){
		"method":        func(r *Request) { r.Method = "" },
		"scheme":        func(r *Request) { r.Scheme = "a b" },
		"authority":     func(r *Request) { r.Authority = "é" },
		"path":          func(r *Request) { r.Path = "" },
		"upper case":    func(r *Request) { r.Header = []Field{{"X", "y"}} },
		"value":         func(r *Request) { r.Header = []Field{{"x", "y\r\nz"}} },
		"trailer":       func(r *Request) { r.Trailer = []Field{{":x", "y"}} },
		"long path":     func(r *Request) { r.Path = "/" + strings.Repeat("a", MaxControl) },
		"many fields":   func(r *Request) { r.Header = make([]Field, MaxFields+1) },
		"large section": func(r *Request) { r.Header = []Field{{"x", strings.Repeat("a", MaxFieldSection)}} },
	} {
		r := *helloRequest
		change(&r)
		if b, err := AppendRequest([]byte("before"), &r); err == nil || string(b) != "before" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	if b, err := AppendResponse([]byte("before"), &Response{Status: 100}); !errors.Is(err, ErrMalformed) || string(b) != "before" {
		t.Errorf("status 100: %q, %v", b, err)
	}
}

func TestPad(t *testing.T) {
	for _, c := range []struct{ length, from, want int }{{0, 0, 0}, {1, 0, 8}, {8, 0, 8}, {9, 0, 16}, {10, 3, 11}, {11, 3, 11}} {
		if b := Pad(make([]byte, c.length), c.from, 8); len(b) != c.want {
			t.Errorf("%d bytes from %d become %d, want %d", c.length, c.from, len(b), c.want)
		}
	}
	b, err := AppendRequest([]byte("xx"), helloRequest)
	if err != nil {
		t.Fatal(err)
	}
	padded := Pad(b, 2, 4096)
	if r, err := DecodeRequest(padded[2:]); err != nil || !sameRequest(r, helloRequest) || len(padded) != 2+4096 {
		t.Errorf("padded to %d bytes: %+v, %v", len(padded)-2, r, err)
	}
}

func TestLimitsComeBeforeAllocation(t *testing.T) {
	many := []byte{1, 0x40, 0xc8, 0x80, 0, 0x7f, 0xfe}
	many = append(many, bytes.Repeat([]byte{1, 'x', 0}, 0x7fff/3)...)
	interim := append([]byte{1}, bytes.Repeat([]byte{0x40, 0x66, 0}, 1<<16)...)
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"huge content":       {unhex(t, "0140c800"+"ffffffffffffffff"), ErrMalformed},
		"huge chunk":         {unhex(t, "0340c800"+"ffffffffffffffff"), ErrMalformed},
		"huge section":       {unhex(t, "0140c8"+"ffffffffffffffff"), ErrTooLarge},
		"huge name":          {unhex(t, "0340c8"+"ffffffffffffffff"), ErrTooLarge},
		"huge value":         {unhex(t, "0340c8"+"0178"+"ffffffffffffffff"), ErrTooLarge},
		"many fields":        {many, ErrTooLarge},
		"many informational": {interim, ErrTooLarge},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := DecodeResponse(c.b)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, c.want) || r != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
			t.Errorf("%s: %d bytes allocated", name, got)
		}
	}
	if _, err := DecodeRequest(unhex(t, "00bfffffff")); !errors.Is(err, ErrTooLarge) {
		t.Errorf("huge method: %v", err)
	}
}
