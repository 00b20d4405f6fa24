package agent_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// version changes a policy's version, and what else is asked for.
func version(v uint64, change func(*policy.Policy)) func(*policy.Policy) {
	return func(p *policy.Policy) {
		p.Version = v
		if change != nil {
			change(p)
		}
	}
}

func TestPolicyIsRefreshed(t *testing.T) {
	stranger := newKey(66)
	for _, test := range []struct {
		name string
		sign func(*world) []byte
		want uint64 // version in force afterwards
	}{
		{"newer", func(w *world) []byte { return w.signed(w.signer, version(9, nil)) }, 9},
		{"the same", func(w *world) []byte { return w.signed(w.signer, nil) }, 5},
		{"rollback", func(w *world) []byte { return w.signed(w.signer, version(4, nil)) }, 5},
		{"same version, other content", func(w *world) []byte {
			return w.signed(w.signer, version(5, func(p *policy.Policy) { p.Disabled = true }))
		}, 5},
		{"signed by a stranger", func(w *world) []byte {
			return w.signed(stranger, version(9, func(p *policy.Policy) { p.Signers = [][]byte{stranger.Public().(ed25519.PublicKey)} }))
		}, 5},
		{"altered", func(w *world) []byte {
			b := w.signed(w.signer, version(9, nil))
			b[len(b)-1] ^= 1
			return b
		}, 5},
		{"garbage", func(*world) []byte { return []byte("<html>") }, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "c1", "c2")
				w.policy.Version, w.policy.RefreshSeconds = 5, 3600
				a := start(t, w.options(newMemory().spool(), report.Counts))
				time.Sleep(time.Minute)
				w.setPolicy(test.sign(w))
				time.Sleep(2 * time.Hour)
				s := a.Stats()
				if s.PolicyVersion != test.want || s.Consent != report.Counts {
					t.Errorf("version %d and consent %v in force, want version %d and counts", s.PolicyVersion, s.Consent, test.want)
				}
			})
		})
	}
}

func TestPolicyIsAskedForSeldomAndByETag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1", "c2")
		w.policy.RefreshSeconds = 3600
		w.setPolicy(w.signed(w.signer, nil))
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Counts))
		time.Sleep(10 * time.Hour)
		if n := w.fetched(); n < 9 || n > 11 {
			t.Errorf("%d fetches in 10 hours, want one an hour", n)
		}
		w.mu.Lock()
		if w.etags[0] != "" || w.etags[1] == "" {
			t.Errorf("asked with etags %q", w.etags)
		}
		w.mu.Unlock()
		_ = a.Shutdown(t.Context())
		n := w.fetched()
		for range 20 { // short-lived processes, each within the hour
			b := start(t, w.options(memory.spool(), report.Counts))
			time.Sleep(time.Second)
			_ = b.Shutdown(t.Context())
		}
		if got := w.fetched() - n; got > 1 {
			t.Errorf("20 runs within a minute fetched the policy %d times", got)
		}
	})
}

// A collector in other hands serves what it had, for ever. The others have a newer policy, which
// switches off or removes that collector, and agents come to it in days, by whatever is
// asked first.
func TestFrozenCollectorFreezesNoPolicy(t *testing.T) {
	frozen := map[string]func(old []byte) agent.Response{
		"the old policy": func(old []byte) agent.Response { return agent.Response{Outcome: report.OK, Status: 200, Body: old} },
		"not modified":   func([]byte) agent.Response { return agent.Response{Outcome: report.OK, Status: 304} },
		"an older one":   nil, // see below
		"garbage": func([]byte) agent.Response {
			return agent.Response{Outcome: report.OK, Status: 200, Body: []byte("<html>")}
		},
		"nothing":                       func([]byte) agent.Response { return agent.Response{Outcome: report.OK, Status: 200} },
		"an error":                      func([]byte) agent.Response { return agent.Response{Outcome: report.HTTPError, Status: 503} },
		"a newer one of another signer": nil, // see below
		"the old one, altered": func(old []byte) agent.Response {
			altered := bytes.Clone(old)
			altered[len(altered)/2] ^= 1
			return agent.Response{Outcome: report.OK, Status: 200, Body: altered}
		},
	}
	for name, answer := range frozen {
		for _, n := range []int{2, 4} {
			t.Run(name+"/"+strconv.Itoa(n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, []string{"c1", "c2", "c3", "c4"}[:n]...)
					w.policy.Version, w.policy.RefreshSeconds = 5, 3600
					old := w.signed(w.signer, nil)
					if answer == nil {
						older := w.signed(w.signer, version(4, nil))
						if strings.HasPrefix(name, "a newer") {
							older = w.signed(newKey(99), version(1<<40, nil))
						}
						answer = func([]byte) agent.Response { return agent.Response{Outcome: report.OK, Status: 200, Body: older} }
					}
					w.setPolicy(old)
					w.setPolicyOf("c1", func() agent.Response { return answer(old) })
					a := start(t, w.options(newMemory().spool(), report.Counts))
					time.Sleep(24 * time.Hour)
					w.setPolicy(w.signed(w.signer, version(6, func(p *policy.Policy) { p.Disabled, p.Collectors = true, p.Collectors[1:] })))
					time.Sleep(3 * 24 * time.Hour)
					if s := a.Stats(); s.PolicyVersion != 6 || s.Consent != report.Off {
						t.Errorf("version %d in force, consent %v; want the kill switch of version 6", s.PolicyVersion, s.Consent)
					}
				})
			})
		}
	}
}

// Once the policy has expired all collectors are asked at once, and the newest is taken.
func TestExpiredPolicyIsReplacedByTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1", "c2", "c3")
		w.policy.Version, w.policy.RefreshSeconds, w.policy.Expires = 5, 3600, time.Now().Add(time.Minute).Unix()
		for i, v := range []uint64{5, 7, 6} {
			signed := w.signed(w.signer, version(v, nil))
			w.setPolicyOf([]string{"c1", "c2", "c3"}[i], func() agent.Response {
				return agent.Response{Outcome: report.OK, Status: 200, Body: signed}
			})
		}
		time.Sleep(2 * time.Minute) // it has expired before the agent begins
		a := start(t, w.options(newMemory().spool(), report.Counts))
		time.Sleep(10 * time.Second)
		if got, n := a.Stats().PolicyVersion, w.fetched(); got != 7 || n != 3 {
			t.Errorf("version %d in force after %d questions, want 7 after 3", got, n)
		}
	})
}

// TestPolicySurvivesRestart, even when the key that signs policies has changed twice meanwhile.
func TestPolicySurvivesRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.policy.RefreshSeconds = 60
		keys := []ed25519.PrivateKey{w.signer, newKey(71), newKey(72), newKey(73)}
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Counts))
		for i := range 3 {
			next := keys[i+1].Public().(ed25519.PublicKey)
			w.setPolicy(w.signed(keys[i], version(uint64(2+i), func(p *policy.Policy) { p.Signers = [][]byte{next} })))
			time.Sleep(5 * time.Minute)
		}
		if got := a.Stats().PolicyVersion; got != 4 {
			t.Fatalf("version %d in force, want 4", got)
		}
		_ = a.Shutdown(t.Context())
		// which the first run would have taken
		w.setPolicy(w.signed(keys[3], version(3, func(p *policy.Policy) { p.Disabled = true })))
		b := start(t, w.options(memory.spool(), report.Counts))
		for range 2 {
			if got := b.Stats(); got.PolicyVersion != 4 || got.Consent != report.Counts {
				t.Errorf("version %d in force after a restart, consent %v; want 4 and counts", got.PolicyVersion, got.Consent)
			}
			time.Sleep(5 * time.Minute) // now it was offered the older one
		}
		_ = b.Shutdown(t.Context())

		// The first signer was rotated away: what it signs now is refused, also from the disk.
		memory.set("policy", append(make([]byte, 8), frame(w.signed(keys[2], version(50, nil)))...))
		c := start(t, w.options(memory.spool(), report.Counts))
		if got := c.Stats().PolicyVersion; got != 1 {
			t.Errorf("version %d in force from a tampered file, want the bundled one", got)
		}
	})
}

func TestManyPoliciesSurviveRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.policy.RefreshSeconds = 60
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Counts))
		for i := range 20 {
			w.setPolicy(w.signed(w.signer, version(uint64(2+i), nil)))
			time.Sleep(5 * time.Minute)
		}
		_ = a.Shutdown(t.Context())
		b := start(t, w.options(memory.spool(), report.Counts))
		if got := b.Stats().PolicyVersion; got != 21 {
			t.Errorf("version %d in force after a restart, want 21", got)
		}
		if n := len(memory.blobs()["policy"]); n > 2*len(w.signed(w.signer, nil)) {
			t.Errorf("%d bytes of policies are kept: each was directly trusted", n)
		}
	})
}

func frame(b []byte) []byte {
	return append([]byte{byte(len(b) >> 24), byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))}, b...)
}

func TestNewerBundledPolicyWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setPolicy(w.signed(w.signer, version(7, nil)))
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Counts))
		time.Sleep(time.Minute)
		_ = a.Shutdown(t.Context())
		o := w.options(memory.spool(), report.Counts)
		o.Policy = w.signed(w.signer, version(8, nil))
		w.setPolicy(nil)
		b := start(t, o)
		if got := b.Stats().PolicyVersion; got != 8 {
			t.Errorf("version %d in force, want the bundled 8 over the cached 7", got)
		}
	})
}

func TestKillSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.policy.RefreshSeconds = 600
		a := start(t, w.options(newMemory().spool(), report.Counts))
		time.Sleep(time.Minute)
		w.setPolicy(w.signed(w.signer, version(2, func(p *policy.Policy) { p.Disabled = true })))
		time.Sleep(20 * time.Minute)
		observed, uploads := a.Stats().Observed, len(w.seen())
		for range 10 {
			a.Observe(failure("shop.example"))
			time.Sleep(time.Minute)
		}
		if a.Stats().Observed != observed || len(w.seen()) != uploads || a.Recording() {
			t.Error("a disabled agent goes on")
		}
		w.setPolicy(w.signed(w.signer, version(3, nil)))
		time.Sleep(20 * time.Minute)
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		if got := w.totals()[report.TCPRefused]; got != 1 {
			t.Errorf("%v failures arrived after the switch was turned back, want 1", got)
		}
	})
}

func TestExpiredPolicyKeepsCollectorsAndLowersConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.policy.Expires = time.Now().Add(time.Hour).Unix()
		a := start(t, w.options(newMemory().spool(), report.Diagnostics))
		time.Sleep(2 * time.Hour)
		panicking(a, func() { panic("a message") }) // the first word since it has expired
		time.Sleep(4 * time.Second)
		if all := w.appErrors(); len(all) != 1 || all[0].Message != "" || all[0].Frames != nil {
			t.Errorf("under an expired policy: %+v", all)
		}
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		for _, b := range w.batches() {
			if len(b.samples) != 0 || b.headers[0].Consent != report.Counts {
				t.Errorf("under an expired policy: %+v", b)
			}
		}
		if got := w.totals()[report.TCPRefused]; got != 2 {
			t.Errorf("%v failures arrived, want 2", got)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	w := newWorld(t, "c1")
	good := w.options(newMemory().spool(), report.Off)
	for _, test := range []struct {
		name   string
		change func(*agent.Options)
		want   error // or nil: any
	}{
		{"no app", func(o *agent.Options) { o.App = "" }, nil},
		{"app not UTF-8", func(o *agent.Options) { o.App = "\xff" }, nil},
		{"no policy", func(o *agent.Options) { o.Policy = nil }, nil},
		{"altered policy", func(o *agent.Options) {
			o.Policy = w.signed(w.signer, nil)
			o.Policy[len(o.Policy)-1] ^= 1
		}, policy.ErrSignature},
		{"truncated policy", func(o *agent.Options) { o.Policy = o.Policy[:20] }, privacy.ErrTruncated},
		{"no such consent", func(o *agent.Options) { o.Consent = 3 }, nil},
		{"no spool", func(o *agent.Options) { o.Spool = nil }, nil},
		{"no transport", func(o *agent.Options) { o.Transport = nil }, nil},
		{"no randomness", func(o *agent.Options) { o.Rand = noRand{} }, errRefused},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := good
			test.change(&o)
			a, err := agent.New(o)
			if err == nil || a != nil || (test.want != nil && !errors.Is(err, test.want)) {
				t.Errorf("got %v, %v; want an error, %v if not nil", a, err, test.want)
			}
		})
	}
}

type noRand struct{}

func (noRand) Read([]byte) (int, error) { return 0, errRefused }
