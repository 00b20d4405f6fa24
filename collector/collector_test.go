package collector

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// stuckInbox commits nothing until it is released: a disk that hangs. Only the methods that a test
// uses work.
type stuckInbox struct {
	Inbox
	release chan struct{}
}

func (i *stuckInbox) Commit(_ context.Context, entries []Entry) ([]Status, error) {
	<-i.release
	statuses := make([]Status, len(entries))
	for n := range statuses {
		statuses[n] = StatusNew
	}
	return statuses, nil
}

func (i *stuckInbox) SetReaders(context.Context, []string) error      { return nil }
func (i *stuckInbox) Maintain(context.Context) error                  { return nil }
func (i *stuckInbox) Stats(context.Context) (s InboxStats, err error) { return s, nil }

func TestStuckInboxIsNotWaitedForAndNeverAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := testKey
		inbox := &stuckInbox{release: make(chan struct{})}
		c, err := New(Options{ID: "c1", Inbox: inbox, Settings: Settings{ReceiptKey: key}, MaxUploads: 2, MaxQueueDelay: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		segment := testSegment(t)
		upload := func() (int, receipt.Statement) {
			req := httptest.NewRequest("POST", protocol.PathBatches, strings.NewReader(string(segment)))
			req.Header.Set("Content-Type", protocol.MediaTypeSegment)
			req.Header.Set(protocol.HeaderDelivery, "oA")
			w := httptest.NewRecorder()
			c.Handler().ServeHTTP(w, req)
			s, err := receipt.Verify(key.Public().(ed25519.PublicKey), w.Body.Bytes())
			if err != nil {
				t.Error(err)
			}
			return w.Code, s
		}
		// One is being committed, two wait, then the queue is full; each is told to come later.
		for n, want := range []string{"unavailable", "unavailable", "unavailable", "overload"} {
			start := time.Now()
			status, s := upload()
			if status != http.StatusServiceUnavailable || s.Decision != receipt.SlowDown || s.Reason != want {
				t.Errorf("upload %d: status %d, %+v; want slow down, %s", n, status, s, want)
			}
			if waited := time.Since(start); waited > defaultCommitTimeout {
				t.Errorf("upload %d waited %v", n, waited)
			}
		}
		cancel()
		began := time.Now()
		if err := <-ended; err == nil || time.Since(began) > 3*time.Second {
			t.Errorf("Run = %v after %v with a commit that hangs", err, time.Since(began))
		}
		close(inbox.release)
		synctest.Wait()
		if n := c.admission.memory.used.Load(); n != 0 {
			t.Errorf("%d bytes of bodies are in use at the end", n)
		}
	})
}

func testSegment(t *testing.T) []byte {
	t.Helper()
	key, err := seal.GenerateOpenKey()
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.NewSealer(key.SealKey(), report.BatchID{1})
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Seal(slices.Clone(s.Prefix()), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	return seal.AppendEnd(b)
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := New(Options{ID: strings.Repeat("x", 257), MaxUploads: -1, SlowDown: 2 * time.Hour})
	for _, want := range []string{"ID", "Inbox", "ReceiptKey", "MaxUploads", "SlowDown"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want one that names %s", err, want)
		}
	}
	o := Options{ID: "c1", Inbox: &stuckInbox{}}
	o.Settings = Settings{ReceiptKey: testKey, Policy: []byte("x"), FeedKeys: []ed25519.PublicKey{{1}}}
	_, err = New(o)
	for _, want := range []string{"Policy", "FeedKeys[0]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want one that names %s", err, want)
		}
	}
}

// While a round is worked on, the next one gathers: that is what makes one fsync serve many.
func TestGroupGathersWhileItWorks(t *testing.T) {
	started, release := make(chan struct{}, 10), make(chan struct{})
	var rounds [][]int
	g := newGroup(10, func(n int) int { return n }, func(round []int) {
		rounds = append(rounds, slices.Clone(round))
		started <- struct{}{}
		<-release
	})
	if g.submit(0) {
		t.Error("taken before the group is open")
	}
	g.open()
	g.submit(1)
	done := make(chan struct{})
	go func() { g.run(); close(done) }()
	<-started
	for _, n := range []int{2, 3, commitBytes, 4} {
		if !g.submit(n) {
			t.Fatal("not taken")
		}
	}
	for n := range 6 {
		if taken := g.submit(5 + n); !taken {
			t.Fatalf("the queue is full after %d", 4+n)
		}
	}
	if g.submit(99) {
		t.Error("a full queue took one more")
	}
	close(release)
	g.end()
	<-done
	if g.submit(100) {
		t.Error("taken after the end")
	}
	if want := [][]int{{1}, {2, 3, commitBytes}, {4, 5, 6, 7, 8, 9, 10}}; !reflect.DeepEqual(rounds, want) {
		t.Errorf("rounds %v, want %v", rounds, want)
	}
}

// One round may have uploads from before and after the receipt key was replaced.
func TestSignWithTheKeyOfEach(t *testing.T) {
	keys := []ed25519.PrivateKey{testKey, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))}
	s, all := new(signer), new(unsigned)
	order := []int{0, 0, 1, 0, 1, 1}
	for i, key := range order {
		all.add(&keys[key], receipt.Statement{Batch: report.BatchID{byte(i + 1)}, Body: [32]byte{1}, Decision: receipt.Stored})
	}
	receipts := s.sign(all)
	if len(receipts) != len(order) {
		t.Fatalf("%d receipts for %d statements", len(receipts), len(order))
	}
	for i, key := range order {
		got, err := receipt.Verify(keys[key].Public().(ed25519.PublicKey), receipts[i])
		if err != nil || got != all.statements[i] {
			t.Errorf("receipt %d: %+v, %v", i, got, err)
		}
	}
	if all.reset(); len(s.sign(all)) != 0 {
		t.Error("receipts of nothing")
	}
}

func TestClientTokens(t *testing.T) {
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	addr := netip.MustParseAddr
	tokens := new(clientTokens)
	first := tokens.token(noon, addr("192.0.2.1"), "a browser")
	if new(clientTokens).token(noon, addr("192.0.2.1"), "a browser") == first {
		t.Error("two collectors make the same token")
	}
	if tokens.token(noon.Add(11*time.Hour+59*time.Minute), addr("192.0.2.1"), "a browser") != first {
		t.Error("a browser changes its token within a day")
	}
	if tokens.token(noon, addr("192.0.2.2"), "a browser") == first || tokens.token(noon, addr("192.0.2.1"), "another") == first {
		t.Error("two browsers have one token")
	}
	in64, same64, other64 := addr("2001:db8::1"), addr("2001:db8::ffff:2"), addr("2001:db8:0:1::1")
	if tokens.token(noon, in64, "b") != tokens.token(noon, same64, "b") || tokens.token(noon, in64, "b") == tokens.token(noon, other64, "b") {
		t.Error("IPv6 clients are told apart by anything but their /64")
	}
	if tokens.token(noon.Add(12*time.Hour), addr("192.0.2.1"), "a browser") == first {
		t.Error("the token of the next UTC day can be linked")
	}
	if tokens.token(noon, addr("192.0.2.1"), "a browser") == first {
		t.Error("the key of a day that is over was kept")
	}
}

func TestUserAgentIsReduced(t *testing.T) {
	for s, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.71 Safari/537.36":                           "chrome 120 windows",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36":                                 "chrome 156 linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/121.0.2277.4":              "edge 121 windows",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Mobile Safari/537.36":                               "chrome 114 android",
		"Mozilla/5.0 (Linux; Android 13; SM-S901B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36":    "samsung 23 android",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/605.1.15":                         "safari 17 macos",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0.6099.119 Mobile/15E148 Safari/604": "chrome 120 ios",
		"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0":                                                                "firefox 121 linux",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36 OPR/105.0.0.0":                  "opera 105 chromeos",
		"curl/8.5.0":                           "other  ",
		"Chrome/123456789012345 identifies me": "chrome  ",
		"":                                     "other  ",
		strings.Repeat("x", 600) + "Firefox/9": "other  ",
	} {
		ua := parseUserAgent(s)
		if got := ua.family + " " + ua.major + " " + ua.os; got != want {
			t.Errorf("%s:\n%s, want %s", s, got, want)
		}
	}
}
