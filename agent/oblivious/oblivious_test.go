package oblivious_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/oblivious"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/privacy/bhttp"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// world is a relay and a gateway behind it.
type world struct {
	t         *testing.T
	receipt   ed25519.PrivateKey
	signer    ed25519.PrivateKey // of the gateway's keys; receipt unless the relay forges them
	keys      []*ohttp.PrivateKey
	collector policy.Collector
	client    *oblivious.Client

	answer func(*bhttp.Request) *bhttp.Response
	spoil  func(oblivious.Answer) oblivious.Answer // what the relay makes of an answer to a POST
	sent   []oblivious.Request
	asked  []*bhttp.Request // as opened
}

func newKey(t *testing.T, not ...*ohttp.PrivateKey) *ohttp.PrivateKey {
	t.Helper()
	for {
		k, err := ohttp.GenerateKey(ohttp.MLKEM768X25519())
		if err != nil {
			t.Fatal(err)
		}
		if len(not) == 0 || not[0].Bytes()[0] != k.Bytes()[0] {
			return k
		}
	}
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, receipt: ed25519.NewKeyFromSeed(make([]byte, 32)), keys: []*ohttp.PrivateKey{newKey(t)}}
	w.signer = w.receipt
	w.collector = policy.Collector{ID: "c1", URL: "https://collector.example", ReceiptKey: w.receipt.Public().(ed25519.PublicKey),
		Relay: "https://relay.example/v1/oblivious", ObliviousKeys: w.keys[0].AppendConfig(nil)}
	w.answer = func(*bhttp.Request) *bhttp.Response { return &bhttp.Response{Status: 202, Content: []byte("receipt")} }
	w.spoil = func(a oblivious.Answer) oblivious.Answer { return a }
	w.client = oblivious.New(w.send, ohttp.MLKEM768X25519())
	return w
}

// send is the relay.
func (w *world) send(_ context.Context, c policy.Collector, r oblivious.Request) oblivious.Answer {
	w.sent = append(w.sent, r)
	if c.ID != w.collector.ID {
		w.t.Errorf("sent for %q", c.ID)
	}
	gateway, err := ohttp.NewGateway(w.keys...)
	if err != nil {
		w.t.Fatal(err)
	}
	if r.Method == "GET" {
		list := gateway.Configs()
		return oblivious.Answer{Response: agent.Response{Outcome: report.OK, Status: 200, Body: list},
			Signed: auth.SignGatewayKeys(w.signer, "c1", list, time.Now())}
	}
	message, reply, err := gateway.Decapsulate(r.Body)
	if err != nil {
		return oblivious.Answer{Response: agent.Response{Outcome: report.HTTPError, Status: 422, Body: []byte("{}")}}
	}
	if len(message)%protocol.ObliviousPadding != 0 || len(r.Body) > protocol.MaxObliviousRequest {
		w.t.Errorf("message of %d bytes, request of %d", len(message), len(r.Body))
	}
	m, err := bhttp.DecodeRequest(message)
	if err != nil {
		w.t.Fatal(err)
	}
	w.asked = append(w.asked, m)
	b, err := bhttp.AppendResponse(nil, w.answer(m))
	if err != nil {
		w.t.Fatal(err)
	}
	sealed, err := reply.Seal(b)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.spoil(oblivious.Answer{Response: agent.Response{Outcome: report.OK, Status: 200, Body: sealed}})
}

func (w *world) deliver() agent.Response {
	return w.client.Deliver(w.t.Context(), w.collector, report.BatchID{1}, []byte("delivery"), []byte("segment"))
}

func TestDeliver(t *testing.T) {
	w := newWorld(t)
	r := w.deliver()
	if r.Outcome != report.OK || r.Status != 202 || string(r.Body) != "receipt" || r.Err != nil {
		t.Errorf("%+v", r)
	}
	m := w.asked[0]
	if m.Method != "POST" || m.Path != "/v1/batches" || m.Authority != "c1" || string(m.Content) != "segment" ||
		bhttp.Get(m.Header, "content-type") != protocol.MediaTypeSegment || bhttp.Get(m.Header, "heliograph-batch") != (report.BatchID{1}).String() ||
		bhttp.Get(m.Header, "heliograph-delivery") != base64.RawURLEncoding.EncodeToString([]byte("delivery")) || len(m.Header) != 3 {
		t.Errorf("the collector got %+v", m)
	}
	if s := w.sent[0]; s.URL != w.collector.Relay || s.ContentType != ohttp.MediaTypeRequest || bytes.Contains(s.Body, []byte("segment")) || len(w.sent) != 1 {
		t.Errorf("the relay got %+v", s)
	}
}

// What a page leaves behind is what Deliver would have sent.
func TestUpload(t *testing.T) {
	w := newWorld(t)
	r, err := w.client.Upload(w.collector, report.BatchID{1}, []byte("delivery"), []byte("segment"))
	if err != nil || len(w.sent) != 0 {
		t.Fatalf("%v, sent %d times", err, len(w.sent))
	}
	w.send(t.Context(), w.collector, r)
	w.deliver()
	if !reflect.DeepEqual(w.asked[0], w.asked[1]) || r.URL != w.collector.Relay || r.ContentType != ohttp.MediaTypeRequest {
		t.Errorf("%+v, %+v", r, w.asked)
	}
	w.collector.ObliviousKeys = nil
	if _, err := w.client.Upload(w.collector, report.BatchID{1}, nil, nil); err == nil {
		t.Error("without a key")
	}
}

// The largest segment with the largest delivery fits.
func TestTheLargestFits(t *testing.T) {
	w := newWorld(t)
	r := w.client.Deliver(t.Context(), w.collector, report.BatchID{1}, make([]byte, report.MaxDelivery), make([]byte, seal.MaxSegment))
	if r.Status != 202 {
		t.Errorf("%+v", r)
	}
}

// A relay cannot tell a question for the policy from a small batch.
func TestLengthsAreAlike(t *testing.T) {
	w := newWorld(t)
	w.deliver()
	w.client.FetchPolicy(t.Context(), w.collector, "")
	w.client.FetchPolicy(t.Context(), w.collector, `"etag"`)
	if len(w.sent[0].Body) != len(w.sent[1].Body) || len(w.sent[1].Body) != len(w.sent[2].Body) {
		t.Errorf("%d, %d, %d bytes", len(w.sent[0].Body), len(w.sent[1].Body), len(w.sent[2].Body))
	}
}

func TestFetchPolicy(t *testing.T) {
	w := newWorld(t)
	w.answer = func(m *bhttp.Request) *bhttp.Response {
		if bhttp.Get(m.Header, "if-none-match") == `"e"` {
			return &bhttp.Response{Status: 304}
		}
		return &bhttp.Response{Status: 200, Content: []byte("policy"), Header: []bhttp.Field{{Name: "etag", Value: `"e"`}}}
	}
	r := w.client.FetchPolicy(t.Context(), w.collector, "")
	if r.Outcome != report.OK || string(r.Body) != "policy" || r.ETag != `"e"` {
		t.Errorf("%+v", r)
	}
	if r := w.client.FetchPolicy(t.Context(), w.collector, r.ETag); r.Status != 304 || r.Outcome != report.OK {
		t.Errorf("%+v", r)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	failed := errors.New("failed")
	large := &bhttp.Response{Status: 200, Content: make([]byte, receipt.MaxSize+1)}
	slow := &bhttp.Response{Status: 503, Content: []byte("receipt"), Header: []bhttp.Field{{Name: "retry-after", Value: "7"}}}
	set := func(change func(*oblivious.Answer)) func(oblivious.Answer) oblivious.Answer {
		return func(a oblivious.Answer) oblivious.Answer { change(&a); return a }
	}
	for name, c := range map[string]struct {
		answer  *bhttp.Response
		spoil   func(oblivious.Answer) oblivious.Answer
		outcome report.Outcome
		status  uint16
		body    string
		wait    time.Duration
	}{
		"no relay":           {nil, set(func(a *oblivious.Answer) { a.Response = agent.Response{Outcome: report.TCPRefused, Err: failed} }), report.TCPRefused, 0, "", 0},
		"a relay in trouble": {nil, set(func(a *oblivious.Answer) { a.Outcome, a.Status, a.RetryAfter = report.HTTPError, 503, time.Second }), report.HTTPError, 503, "", time.Second},
		"a portal":           {nil, set(func(a *oblivious.Answer) { a.Body = []byte("<html>") }), report.HTTPResponseInvalid, 200, "", 0},
		"an altered answer":  {nil, set(func(a *oblivious.Answer) { a.Body[20] ^= 1 }), report.HTTPResponseInvalid, 200, "", 0},
		"a redirect":         {nil, set(func(a *oblivious.Answer) { a.Status = 307 }), report.HTTPResponseInvalid, 307, "", 0},
		"a large answer":     {large, nil, report.HTTPResponseInvalid, 200, "", 0},
		"a slow-down":        {slow, nil, report.HTTPError, 503, "receipt", 7 * time.Second},
	} {
		w := newWorld(t)
		if c.answer != nil {
			w.answer = func(*bhttp.Request) *bhttp.Response { return c.answer }
		}
		if c.spoil != nil {
			w.spoil = c.spoil
		}
		r := w.deliver()
		if r.Outcome != c.outcome || r.Status != c.status || string(r.Body) != c.body || r.RetryAfter != c.wait {
			t.Errorf("%s: %+v", name, r)
		}
		for _, s := range w.sent {
			if !strings.HasPrefix(s.URL, "https://relay.example/") {
				t.Errorf("%s: sent to %s", name, s.URL)
			}
		}
		if len(w.sent) != 1 {
			t.Errorf("%s: sent %d times", name, len(w.sent))
		}
	}
	w := newWorld(t)
	w.collector.ObliviousKeys = []byte{0, 3, 1, 0, 0x10}
	if r := w.deliver(); r.Outcome != report.Unknown || r.Err == nil || len(w.sent) != 0 {
		t.Errorf("no usable key: %+v, sent %d times", r, len(w.sent))
	}
}

// When the gateway has given up the key of the policy, the agent asks for another by way of the
// relay, which cannot make one up.
func TestKeysThatWereReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		old := w.keys[0]
		w.keys = []*ohttp.PrivateKey{newKey(t, old)}
		if r := w.deliver(); r.Status != 202 || len(w.sent) != 3 {
			t.Fatalf("%+v after %d requests", r, len(w.sent))
		}
		if s := w.sent[1]; s.Method != "GET" || s.URL != "https://relay.example/v1/oblivious/keys" || len(s.Body) != 0 || s.ContentType != "" {
			t.Errorf("asked %+v", s)
		}
		if bytes.Equal(w.sent[0].Body[7:100], w.sent[2].Body[7:100]) {
			t.Error("the same encapsulation is sent again")
		}
		if w.deliver(); len(w.sent) != 4 {
			t.Errorf("the key is not kept: %d requests", len(w.sent))
		}
		third := newKey(t, w.keys[0])
		w.keys = []*ohttp.PrivateKey{third}
		if r := w.deliver(); r.Status != 422 || r.Outcome != report.HTTPError || len(w.sent) != 5 {
			t.Errorf("asked again at once: %+v, %d requests", r, len(w.sent))
		}
		time.Sleep(5 * time.Minute)
		if r := w.deliver(); r.Status != 202 {
			t.Errorf("five minutes later: %+v", r)
		}
		w.collector.ObliviousKeys = third.AppendConfig(nil) // the next policy
		before := len(w.sent)
		if r := w.deliver(); r.Status != 202 || len(w.sent) != before+1 {
			t.Errorf("with the next policy: %+v, %d requests", r, len(w.sent)-before)
		}
	})
}

func TestKeysOfTheRelaysOwn(t *testing.T) {
	w := newWorld(t)
	w.keys = []*ohttp.PrivateKey{newKey(t, w.keys[0])}
	w.signer = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	if r := w.deliver(); r.Status != 422 || len(w.asked) != 0 {
		t.Errorf("%+v, the relay has opened %d requests", r, len(w.asked))
	}
}
