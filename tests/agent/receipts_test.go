package agent_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// audit is a detector that reads two real collectors, c1 and c2, which take the same share of the
// batches of 24 real agents in eight networks.
type audit struct {
	t       *testing.T
	state   detector.State
	inboxes []*sqliteinbox.Inbox
	agents  []*agent.Agent
}

// newAudit has c1 keep its inbox behind inbox, and the detector read it as feed does. A batch has a
// fair time to come after its claim.
func newAudit(t *testing.T, fair time.Duration, inbox func(collector.Inbox) collector.Inbox, feed func(detector.Feed) detector.Feed) *audit {
	dir := t.TempDir()
	a := &audit{t: t}
	store, state, err := sqlitestore.Open(t.Context(), filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	a.state = state
	t.Cleanup(func() { _, _ = store.Close(), state.Close() })
	openKey := must(seal.GenerateOpenKey())(t)
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public := key.Public().(ed25519.PublicKey)
	p := &policy.Policy{
		Version: 1, Issued: time.Now().Add(-time.Hour).Unix(), Expires: time.Now().Add(time.Hour).Unix(),
		MaxConsent: report.Diagnostics, WindowMS: 60_000, RefreshSeconds: 600_000, SealKey: openKey.SealKey().Bytes(), Signers: [][]byte{public},
	}
	feeds := map[string]detector.Feed{}
	for _, id := range []string{"c1", "c2"} {
		kept := must(sqliteinbox.Open(filepath.Join(dir, id+".db"), sqliteinbox.Options{}))(t)
		t.Cleanup(func() { _ = kept.Close() })
		a.inboxes = append(a.inboxes, kept)
		behind := collector.Inbox(kept)
		feeds[id] = source{kept}
		if id == "c1" {
			behind, feeds[id] = inbox(kept), feed(source{kept})
		}
		server := httptest.NewUnstartedServer(nil)
		p.Collectors = append(p.Collectors, policy.Collector{ID: id, URL: "http://" + server.Listener.Addr().String(), Weight: 1, ReceiptKey: public})
		c := must(collector.New(collector.Options{
			ID: id, Inbox: behind,
			Settings: collector.Settings{ReceiptKey: key, LocalReaders: []string{reader}, Networks: lastByte{}},
			Limits:   collector.Limits{Requests: 1e6, Bytes: 1 << 30, Uploads: 1000, NewNetworks: 1e6},
		}))(t)
		run(t, c.Run)
		server.Config.Handler = fromEverywhere(c.Handler())
		server.Start()
		t.Cleanup(server.Close)
	}
	d := must(detector.New(detector.Options{
		Feeds: feeds, Events: store, State: state, Keys: seal.NewKeyring(openKey), Bin: time.Second, Grace: time.Millisecond, ReceiptTime: fair,
	}))(t)
	run(t, d.Run)
	signed := must(policy.Sign(p, key))(t)
	for range 24 {
		one := must(agent.New(agent.Options{App: "audit", Policy: signed, Consent: report.Counts, Spool: agenttest.NewSpool(),
			Transport: httpagent.NewTransport(httpagent.TransportOptions{})}))(t)
		t.Cleanup(func() { _ = one.Shutdown(context.Background()) })
		a.agents = append(a.agents, one)
	}
	return a
}

func run(t *testing.T, service func(context.Context) error) { (&operator{t: t}).run(service) }

// lastByte makes a network of the last byte of an address.
type lastByte struct{}

func (lastByte) Lookup(a netip.Addr) (asn uint32, country string) { return uint32(a.As4()[3]), "DE" }

// fromEverywhere has requests come from eight networks.
func fromEverywhere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := rand.IntN(8)
		r.RemoteAddr = fmt.Sprintf("203.0.%d.%d:1024", n, 1+n)
		next.ServeHTTP(w, r)
	})
}

// round has each agent deliver a batch.
func (a *audit) round() {
	a.t.Helper()
	var all sync.WaitGroup
	for _, one := range a.agents {
		all.Go(func() {
			one.Observe(agent.Observation{Scheme: "https", Host: "shop.example", Outcome: report.TCPReset})
			if err := one.Flush(a.t.Context()); err != nil {
				a.t.Error(err)
			}
		})
	}
	all.Wait()
}

func (a *audit) incidents() []model.Incident {
	a.t.Helper()
	found := must(a.state.Incidents(a.t.Context(), time.Time{}))(a.t)
	return slices.DeleteFunc(found, func(i model.Incident) bool { return i.Outcome != model.ReceiptUnkept })
}

// liar is an inbox that throws one batch in a hundred away and says that it is stored.
type liar struct {
	collector.Inbox
	random *rand.Rand // of the one goroutine that commits
}

func (l *liar) Commit(ctx context.Context, entries []collector.Entry) ([]collector.Status, error) {
	statuses := slices.Repeat([]collector.Status{collector.StatusNew}, len(entries))
	var kept []collector.Entry
	var places []int
	for i := range entries {
		if l.random.IntN(100) > 0 {
			kept, places = append(kept, entries[i]), append(places, i)
		}
	}
	if len(kept) == 0 {
		return statuses, nil
	}
	true, err := l.Inbox.Commit(ctx, kept)
	if err != nil {
		return nil, err
	}
	for i, s := range true {
		statuses[places[i]] = s
	}
	return statuses, nil
}

// TestCollectorThatThrowsAway one batch in a hundred is found by what agents and detector know, and
// the honest one beside it is not accused.
func TestCollectorThatThrowsAway(t *testing.T) {
	a := newAudit(t, 400*time.Millisecond, func(i collector.Inbox) collector.Inbox { return &liar{i, rand.New(rand.NewPCG(1, 2))} },
		func(f detector.Feed) detector.Feed { return f })
	deadline := time.Now().Add(5 * time.Minute) // 80 rounds, which take seconds unless the machine is busy
	for len(a.incidents()) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("no incident in five minutes")
		}
		a.round()
	}
	for _, i := range a.incidents() {
		if i.Collector() != "c1" || i.Verdict != model.CollectorPath || !strings.HasSuffix(i.Title, " batches that never came") {
			t.Errorf("%+v", i)
		}
	}
}

// late is a feed that tells of batches late, as one of a collector that is slow.
type late struct{ detector.Feed }

// lateBy is eight times longer than is fair, and a third of the time after which a feed that has
// nothing is believed.
const lateBy = 8 * time.Second

func (l late) Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error) {
	page, err := l.Feed.Read(ctx, after, limit)
	ripe := time.Now().Add(-lateBy).UnixMilli()
	for i := range page {
		if page[i].Received > ripe {
			return page[:i], err
		}
	}
	return page, err
}

// TestSlowCollector that hands on everything, much later than is fair, is not accused.
func TestSlowCollector(t *testing.T) {
	a := newAudit(t, lateBy/8, func(i collector.Inbox) collector.Inbox { return i }, func(f detector.Feed) detector.Feed { return late{f} })
	deadline := time.Now().Add(5 * time.Minute)
	for awaited := 0; awaited < 40; awaited = len(must(a.state.Claims(t.Context()))(t)) {
		if time.Now().After(deadline) {
			t.Fatalf("%d batches are awaited after five minutes; the collector was not slow", awaited)
		}
		a.round()
		time.Sleep(100 * time.Millisecond)
	}
	for pending := uint64(1); pending > 0; time.Sleep(10 * time.Millisecond) {
		pending = must(a.inboxes[0].Stats(t.Context()))(t).Pending
		if time.Now().After(deadline) {
			t.Fatalf("%d batches are still in the inbox", pending)
		}
	}
	if got := a.incidents(); len(got) != 0 {
		t.Errorf("accused: %+v", got)
	}
}
