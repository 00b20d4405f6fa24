package ohttp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/bhttp"
)

// The complete example of RFC 9458, appendix A.
const (
	exampleKey           = "3c168975674b2fa8e465970b79c8dcf09f1c741626480bd4c6162fc5b6a98e1a"
	exampleConfig        = "01002031e1f05a740102115220e9af918f738674aec95f54db6e04eb705aae8e79815500080001000100010003"
	exampleRequest       = "00034745540568747470730b6578616d706c652e636f6d012f"
	exampleEnc           = "4b28f881333e7c164ffc499ad9796f877f4e1051ee6d31bad19dec96c208b472"
	exampleInfo          = "6d6573736167652f626874747020726571756573740001002000010001"
	exampleEncapsulated  = "010020000100014b28f881333e7c164ffc499ad9796f877f4e1051ee6d31bad19dec96c208b4726374e469135906992e1268c594d2a10c695d858c40a026e7965e7d86b83dd440b2c0185204b4d63525"
	exampleResponse      = "0140c8"
	exampleSecret        = "62d87a6ba569ee81014c2641f52bea36"
	exampleResponseNonce = "c789e7151fcba46158ca84b04464910d"
	exampleNonce         = "f6bf1aeb88d6df87007fa263"
	exampleSealed        = "c789e7151fcba46158ca84b04464910d86f9013e404feea014e7be4a441f234f857fbd"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func key(t testing.TB, id byte, kem KEM, seed byte) *PrivateKey {
	t.Helper()
	k, err := newPrivateKey(id, kem, bytes.Repeat([]byte{seed}, seedSize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func gateway(t testing.TB, keys ...*PrivateKey) *Gateway {
	t.Helper()
	g, err := NewGateway(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func listed(configs ...[]byte) (list []byte) {
	for _, c := range configs {
		list = append(binary.BigEndian.AppendUint16(list, uint16(len(c))), c...)
	}
	return list
}

// The gateway's side of the example, byte for byte. The standard library does not allow the
// client's ephemeral key to be chosen, so sealing cannot be compared directly. But AES-GCM has only
// one ciphertext for a key, a nonce and a plaintext; so if the example's request opens, sealing
// with its ephemeral key would have produced it.
func TestExampleOfRFC9458AtTheGateway(t *testing.T) {
	k, err := newPrivateKey(1, X25519(), unhex(t, exampleKey))
	if err != nil {
		t.Fatal(err)
	}
	if info := hex.EncodeToString(requestInfo(header(1, x25519ID))); info != exampleInfo {
		t.Errorf("info %s", info)
	}
	request, reply, err := gateway(t, k).Decapsulate(unhex(t, exampleEncapsulated))
	if err != nil || hex.EncodeToString(request) != exampleRequest {
		t.Fatalf("request %x, %v", request, err)
	}
	if hex.EncodeToString(reply.secret) != exampleSecret || hex.EncodeToString(reply.enc) != exampleEnc {
		t.Errorf("secret %x, enc %x", reply.secret, reply.enc)
	}
	if _, nonce, err := responseAEAD(reply.secret, reply.enc, unhex(t, exampleResponseNonce)); err != nil || hex.EncodeToString(nonce) != exampleNonce {
		t.Errorf("nonce %x, %v", nonce, err)
	}
	sealed, err := reply.seal(unhex(t, exampleResponseNonce), unhex(t, exampleResponse))
	if err != nil || hex.EncodeToString(sealed) != exampleSealed {
		t.Errorf("response %x, %v", sealed, err)
	}
	if r, err := bhttp.DecodeRequest(request); err != nil || r.Method != "GET" || r.Scheme != "https" || r.Authority != "example.com" || r.Path != "/" {
		t.Errorf("%+v, %v", r, err)
	}
}

// The client's side of the example: its list, which offers one more pair of algorithms than this
// package, and its response.
func TestExampleOfRFC9458AtTheClient(t *testing.T) {
	configs, err := ParseKeyConfigs(listed(unhex(t, exampleConfig)), MLKEM768X25519(), X25519())
	if err != nil || len(configs) != 1 || configs[0].ID() != 1 {
		t.Fatalf("%+v, %v", configs, err)
	}
	k, err := newPrivateKey(1, X25519(), unhex(t, exampleKey))
	if err != nil {
		t.Fatal(err)
	}
	own := unhex(t, exampleConfig)
	// only the pair that this package supports
	own = append(append(bytes.Clone(own[:35]), 0, 4), own[37:41]...)
	if list := k.AppendConfig(nil); !bytes.Equal(list, listed(own)) {
		t.Errorf("the same key is offered as %x", list)
	}
	b, _, err := configs[0].Encapsulate(unhex(t, exampleRequest))
	if err != nil || len(b) != len(exampleEncapsulated)/2 || !bytes.Equal(b[:headerSize], unhex(t, exampleEncapsulated)[:headerSize]) {
		t.Errorf("request %x, %v", b, err)
	}
	if request, _, err := gateway(t, k).Decapsulate(b); err != nil || hex.EncodeToString(request) != exampleRequest {
		t.Errorf("opens to %x, %v", request, err)
	}
	x := &Exchange{unhex(t, exampleSecret), unhex(t, exampleEnc)}
	if response, err := x.Open(unhex(t, exampleSealed)); err != nil || hex.EncodeToString(response) != exampleResponse {
		t.Errorf("response %x, %v", response, err)
	}
}

func TestExchange(t *testing.T) {
	for name, kem := range map[string]KEM{"MLKEM768X25519": MLKEM768X25519(), "X25519": X25519()} {
		g := gateway(t, key(t, 7, kem, 1))
		configs, err := ParseKeyConfigs(g.Configs(), kem)
		if err != nil {
			t.Fatal(err)
		}
		for _, message := range []string{"", "request"} {
			b, x, err := configs[0].Encapsulate([]byte(message))
			if err != nil || len(b) > len(message)+Overhead {
				t.Fatalf("%s: %d bytes, %v", name, len(b), err)
			}
			request, reply, err := g.Decapsulate(b)
			if err != nil || string(request) != message {
				t.Fatalf("%s: %q, %v", name, request, err)
			}
			first, err1 := reply.Seal([]byte("response"))
			second, err2 := reply.Seal([]byte("response"))
			if err1 != nil || err2 != nil || bytes.Equal(first, second) || len(first) > len("response")+Overhead {
				t.Fatalf("%s: %x, %x, %v, %v", name, first, second, err1, err2)
			}
			if response, err := x.Open(first); err != nil || string(response) != "response" {
				t.Errorf("%s: %q, %v", name, response, err)
			}
			_, other, err := configs[0].Encapsulate([]byte(message))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := other.Open(first); !errors.Is(err, ErrOpen) {
				t.Errorf("%s: the response to another request opens: %v", name, err)
			}
		}
	}
}

func TestEveryByteOfAnExchangeCounts(t *testing.T) {
	for _, kem := range []KEM{MLKEM768X25519(), X25519()} {
		g := gateway(t, key(t, 7, kem, 1))
		configs, err := ParseKeyConfigs(g.Configs(), kem)
		if err != nil {
			t.Fatal(err)
		}
		b, x, err := configs[0].Encapsulate([]byte("request"))
		if err != nil {
			t.Fatal(err)
		}
		_, reply, err := g.Decapsulate(b)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := reply.Seal([]byte("response"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range b {
			// the highest bit of an X25519 share means nothing to X25519
			for _, bit := range []byte{1, 0x80} {
				flipped := bytes.Clone(b)
				flipped[i] ^= bit
				if request, _, err := g.Decapsulate(flipped); !errors.Is(err, ErrKey) || request != nil {
					t.Fatalf("KEM %#x: byte %d of a request can change: %v", kem.id, i, err)
				}
			}
		}
		for n := range b {
			if _, _, err := g.Decapsulate(b[:n]); !errors.Is(err, ErrKey) && !errors.Is(err, ErrMalformed) {
				t.Fatalf("KEM %#x: cut to %d bytes: %v", kem.id, n, err)
			}
		}
		for i := range sealed {
			flipped := bytes.Clone(sealed)
			flipped[i] ^= 1
			if _, err := x.Open(flipped); !errors.Is(err, ErrOpen) {
				t.Fatalf("KEM %#x: byte %d of a response can change: %v", kem.id, i, err)
			}
			if _, err := x.Open(sealed[:i]); !errors.Is(err, ErrOpen) {
				t.Fatalf("KEM %#x: a response can be cut to %d bytes: %v", kem.id, i, err)
			}
		}
	}
}

func TestRotation(t *testing.T) {
	oldHybrid, oldPlain := key(t, 1, MLKEM768X25519(), 1), key(t, 2, X25519(), 2)
	newHybrid := key(t, 3, MLKEM768X25519(), 3)
	before, after := gateway(t, oldHybrid, oldPlain), gateway(t, newHybrid, oldHybrid, oldPlain)
	ids := func(g *Gateway) (ids []byte) {
		configs, err := ParseKeyConfigs(g.Configs(), X25519(), MLKEM768X25519())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range configs {
			ids = append(ids, c.ID())
		}
		return ids
	}
	if got := ids(before); !bytes.Equal(got, []byte{2, 1}) {
		t.Errorf("offered before: %d", got)
	}
	if got := ids(after); !bytes.Equal(got, []byte{2, 3}) {
		t.Errorf("offered after: %d", got)
	}
	configs, err := ParseKeyConfigs(before.Configs(), MLKEM768X25519())
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := configs[0].Encapsulate([]byte("request"))
	if err != nil {
		t.Fatal(err)
	}
	if request, _, err := after.Decapsulate(b); err != nil || string(request) != "request" {
		t.Errorf("the old key: %q, %v", request, err)
	}
	if _, _, err := gateway(t, newHybrid).Decapsulate(b); !errors.Is(err, ErrKey) {
		t.Errorf("without the old key: %v", err)
	}
	if _, _, err := gateway(t, key(t, 1, MLKEM768X25519(), 9)).Decapsulate(b); !errors.Is(err, ErrKey) {
		t.Errorf("another key of that identifier: %v", err)
	}
	if _, _, err := gateway(t, key(t, 1, X25519(), 9)).Decapsulate(b); !errors.Is(err, ErrKey) {
		t.Errorf("a key of another KEM: %v", err)
	}
}

func TestNewGatewayRefuses(t *testing.T) {
	if _, err := NewGateway(); err == nil {
		t.Error("no keys")
	}
	if _, err := NewGateway(key(t, 1, X25519(), 1), key(t, 1, MLKEM768X25519(), 2)); err == nil {
		t.Error("two keys of one identifier")
	}
}

func TestPrivateKeyComesBack(t *testing.T) {
	for _, kem := range []KEM{MLKEM768X25519(), X25519()} {
		k, err := GenerateKey(kem)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParsePrivateKey(k.Bytes())
		if err != nil || !bytes.Equal(got.Bytes(), k.Bytes()) || !bytes.Equal(got.AppendConfig(nil), k.AppendConfig(nil)) {
			t.Errorf("KEM %#x: %v", kem.id, err)
		}
	}
	good := key(t, 1, X25519(), 1).Bytes()
	for name, b := range map[string][]byte{
		"empty": nil, "short": good[:34], "long": append(bytes.Clone(good), 0), "another KEM": append([]byte{1, 0, 0x10}, good[3:]...),
	} {
		if _, err := ParsePrivateKey(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseKeyConfigs(t *testing.T) {
	plain, hybrid := key(t, 1, X25519(), 1).AppendConfig(nil)[2:], key(t, 2, MLKEM768X25519(), 1).AppendConfig(nil)[2:]
	unknown := []byte{3, 0, 0x10, 1, 2, 3}
	chacha := append(bytes.Clone(plain[:len(plain)-4]), 0, 1, 0, 3)
	edit := func(b []byte, at int, v byte) []byte { b = bytes.Clone(b); b[at] = v; return b }
	for _, c := range []struct {
		name string
		list []byte
		kems []KEM
		ids  []byte
		err  error
	}{
		{"both", listed(plain, hybrid), []KEM{MLKEM768X25519(), X25519()}, []byte{2, 1}, nil},
		{"one wanted", listed(plain, hybrid), []KEM{X25519()}, []byte{1}, nil},
		{"unknown KEM beside", listed(unknown, plain), []KEM{X25519()}, []byte{1}, nil},
		{"unknown KEM alone", listed(unknown), []KEM{X25519()}, nil, ErrNoKey},
		{"other algorithms", listed(chacha), []KEM{X25519()}, nil, ErrNoKey},
		{"nothing", nil, []KEM{X25519()}, nil, ErrNoKey},
		{"cut length", append(listed(plain), 0), []KEM{X25519()}, nil, ErrMalformed},
		{"cut", listed(plain)[:40], []KEM{X25519()}, nil, ErrMalformed},
		{"no KEM", listed(plain[:2]), []KEM{X25519()}, nil, ErrMalformed},
		{"half a key", listed(plain[:20]), []KEM{X25519()}, nil, ErrMalformed},
		{"no algorithms", listed(edit(plain[:len(plain)-4], 36, 0)), []KEM{X25519()}, nil, ErrMalformed},
		{"half an algorithm", listed(edit(plain[:len(plain)-2], 36, 2)), []KEM{X25519()}, nil, ErrMalformed},
		{"more than it says", listed(append(bytes.Clone(plain), 0)), []KEM{X25519()}, nil, ErrMalformed},
		{"an impossible key", listed(append(append(bytes.Clone(hybrid[:3]), bytes.Repeat([]byte{0xff}, 1216)...), hybrid[1219:]...)), []KEM{MLKEM768X25519()}, nil, ErrMalformed},
		{"too long", make([]byte, MaxKeys+1), []KEM{X25519()}, nil, ErrMalformed},
	} {
		configs, err := ParseKeyConfigs(c.list, c.kems...)
		var ids []byte
		for _, k := range configs {
			ids = append(ids, k.ID())
		}
		if !errors.Is(err, c.err) || !bytes.Equal(ids, c.ids) {
			t.Errorf("%s: %d, %v", c.name, ids, err)
		}
	}
}
