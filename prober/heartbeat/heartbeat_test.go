package heartbeat

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

func key(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)) }

func public(n byte) ed25519.PublicKey { return key(n).Public().(ed25519.PublicKey) }

// beat is one of a rack of ten servers, of which one is down.
func beat(t testing.TB, rack string, number uint64, n int) *Beat {
	t.Helper()
	bits, err := heatmap.NewBitset(n)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		bits.Set(i, i != 3)
	}
	return &Beat{Rack: rack, Number: number, Up: bits}
}

// post answers what a receiver says to a beat.
func post(t testing.TB, r *Receiver, body []byte, authorization string) (status int, text string) {
	t.Helper()
	request := httptest.NewRequest(http.MethodPost, Path, bytes.NewReader(body))
	request.Header.Set("Authorization", authorization)
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, request)
	return answer.Code, strings.TrimSpace(answer.Body.String())
}

// send signs and posts a beat.
func send(t testing.TB, r *Receiver, signer byte, b *Beat) (int, string) {
	t.Helper()
	body, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return post(t, r, body, auth.SignHeartbeat(key(signer), "fra", body, time.Now()))
}

func receiver(t testing.TB, racks ...Rack) *Receiver {
	t.Helper()
	r := NewReceiver("fra")
	if err := r.Reload(racks); err != nil {
		t.Fatal(err)
	}
	return r
}

// outcome is that of an attempt at a server.
func outcome(t testing.TB, r *Receiver, rack string, server int) (report.Outcome, error) {
	t.Helper()
	f, err := (&Spec{Receiver: r, Rack: rack, Server: server}).Probe(probe.Env{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := f(t.Context())
	return result.Outcome, err
}

func now() uint64 { return uint64(time.Now().UnixMilli()) }

func TestBeatsAreAuthorized(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := receiver(t, Rack{Name: "a", Key: public(1), Servers: 10}, Rack{Name: "b", Key: public(2), Servers: 10})
		time.Sleep(time.Second)
		good, _ := beat(t, "a", now(), 10).Encode()
		other, _ := beat(t, "a", now()+1, 10).Encode()
		for _, c := range []struct {
			name   string
			body   []byte
			header string
			status int
		}{
			{"no signature", good, "", 401},
			{"a stranger's", good, auth.SignHeartbeat(key(3), "fra", good, time.Now()), 401},
			{"for another vantage", good, auth.SignHeartbeat(key(1), "ams", good, time.Now()), 401},
			{"long ago", good, auth.SignHeartbeat(key(1), "fra", good, time.Now().Add(-2*time.Minute)), 401},
			{"another body", good, auth.SignHeartbeat(key(1), "fra", other, time.Now()), 401},
			{"another rack's key", good, auth.SignHeartbeat(key(2), "fra", good, time.Now()), 404},
			{"no beat", []byte("hello"), auth.SignHeartbeat(key(1), "fra", []byte("hello"), time.Now()), 400},
			{"good", good, auth.SignHeartbeat(key(1), "fra", good, time.Now()), 204},
			{"again", good, auth.SignHeartbeat(key(1), "fra", good, time.Now()), 409},
		} {
			if status, text := post(t, r, c.body, c.header); status != c.status || status != 204 && text == "" {
				t.Errorf("%s: %d %s, want %d", c.name, status, text, c.status)
			}
		}
		if status, _ := send(t, r, 1, beat(t, "a", now()+10, 9)); status != 400 {
			t.Errorf("a beat of another size: %d", status)
		}
		if status, _ := send(t, r, 1, beat(t, "a", now()+uint64((2*time.Minute).Milliseconds()), 10)); status != 409 {
			t.Errorf("a number from the future, which would keep out all others: %d", status)
		}
		get := httptest.NewRecorder()
		if r.ServeHTTP(get, httptest.NewRequest(http.MethodGet, Path, nil)); get.Code != http.StatusMethodNotAllowed {
			t.Errorf("GET: %d", get.Code)
		}
		large := make([]byte, MaxSize+1)
		if status, _ := post(t, r, large, auth.SignHeartbeat(key(1), "fra", large, time.Now())); status != 413 {
			t.Errorf("a large body: %d", status)
		}
	})
}

// A beat is not taken twice, even by a prober that was restarted between.
func TestReplayAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := beat(t, "a", now(), 10)
		time.Sleep(10 * time.Second)
		r := receiver(t, Rack{Name: "a", Key: public(1), Servers: 10})
		if status, _ := send(t, r, 1, old); status != http.StatusConflict {
			t.Errorf("%d", status)
		}
		if status, text := send(t, r, 1, beat(t, "a", now(), 10)); status != http.StatusNoContent {
			t.Errorf("%d %s", status, text)
		}
	})
}

func TestDeadWhenSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		racks := []Rack{{Name: "a", Key: public(1), Servers: 10, SilentAfter: 30 * time.Second}, {Name: "b", Key: public(2), Servers: 10, SilentAfter: 30 * time.Second}}
		r := receiver(t, racks...)
		want := func(when, rack string, server int, want report.Outcome, doubt error) {
			t.Helper()
			if got, err := outcome(t, r, rack, server); got != want || !errors.Is(err, doubt) {
				t.Errorf("%s: server %d of rack %s is %q, %v; want %q, %v", when, server, rack, got, err, want, doubt)
			}
		}
		want("at the start", "a", 0, "", errUnheard)
		for range 4 { // 40 s, in which b never sends
			time.Sleep(10 * time.Second)
			send(t, r, 1, beat(t, "a", now(), 10))
		}
		want("after beats", "a", 2, report.OK, nil)
		want("after beats", "a", 3, report.HeartbeatDown, nil)
		want("without any beat", "b", 2, report.HeartbeatSilent, nil)
		if err := r.Reload(append(racks, Rack{Name: "c", Key: public(1), Servers: 1})); err != nil {
			t.Fatal(err)
		}
		want("after a reload", "a", 2, report.OK, nil)
		want("of a new rack", "c", 0, "", errUnheard)
		time.Sleep(31 * time.Second)
		want("when nobody is heard", "a", 2, "", errAlone)
		send(t, r, 2, beat(t, "b", now(), 10))
		want("when another is heard", "a", 2, report.HeartbeatSilent, nil)
		want("when it is heard itself", "b", 2, report.OK, nil)
		want("of no rack", "d", 0, "", errUnheard)
	})
}

func TestFaultyRacksAreRefused(t *testing.T) {
	r := receiver(t, Rack{Name: "a", Key: public(1), Servers: 1})
	for want, racks := range map[string][]Rack{
		"name must":    {{Key: public(1), Servers: 1}},
		"twice":        {{Name: "a", Key: public(1), Servers: 1}, {Name: "a", Key: public(1), Servers: 1}},
		"no key":       {{Name: "a", Servers: 1}},
		"no servers":   {{Name: "a", Key: public(1)}},
		"silent_after": {{Name: "a", Key: public(1), Servers: 1, SilentAfter: -1}},
		"at most 1000": {{Name: "a", Key: public(1), Servers: heatmap.MaxServers}, {Name: "b", Key: public(1), Servers: 1}},
		"10001 racks":  make([]Rack, MaxRacks+1),
	} {
		if err := r.Reload(racks); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if len(r.racks) != 1 {
		t.Error("faulty racks replaced good ones")
	}
	for _, s := range []Spec{{}, {Receiver: r, Server: -1}} {
		if _, err := s.Probe(probe.Env{}); err == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}

func TestSendTellsWhatIsWrong(t *testing.T) {
	server := httptest.NewServer(receiver(t, Rack{Name: "a", Key: public(1), Servers: 10}))
	defer server.Close()
	if err := Send(t.Context(), nil, server.URL+"/", "fra", key(1), beat(t, "a", now(), 10)); err != nil {
		t.Error(err)
	}
	if err := Send(t.Context(), nil, server.URL, "fra", key(2), beat(t, "a", now()+1, 10)); err == nil || !strings.Contains(err.Error(), "unknown key") {
		t.Error(err)
	}
	if err := Send(t.Context(), nil, server.URL, "fra", key(1), &Beat{Rack: "a"}); err == nil {
		t.Error("a beat without bits was sent")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Send(ctx, nil, server.URL, "fra", key(1), beat(t, "a", now()+2, 10)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	good, err := beat(f, "rack", 7, 10).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(append(bytes.Clone(good), 0))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, wire []byte) {
		b, err := Decode(wire)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if again, err := b.Encode(); err != nil || !bytes.Equal(again, wire) {
			t.Fatalf("%x is encoded as %x, %v", wire, again, err)
		}
	})
}
