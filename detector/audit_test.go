package detector_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// crowd is clients that deliver to the collector c1 and name what it receipted.
type crowd struct {
	*bench
	random  *rand.ChaCha8
	clients int
	// of a client
	network func(client int) uint32
	named   map[int][]report.ReceiptedBatch
	sent    int
}

// newAuditBench is a bench with bins so long that hours pass quickly.
func newAuditBench(t *testing.T) *bench {
	b := &bench{T: t, path: filepath.Join(t.TempDir(), "store.db"), inbox: newInbox(), bin: 5 * time.Minute}
	b.start()
	return b
}

// newCrowd is of 40 clients in eight networks.
func newCrowd(b *bench) *crowd {
	return &crowd{bench: b, random: rand.NewChaCha8([32]byte{1}), clients: 40, named: map[int][]report.ReceiptedBatch{},
		network: func(client int) uint32 { return 64501 + uint32(client%8) }}
}

// round has every client deliver one batch. c1 receipts them all, and keeps those that it keeps.
func (c *crowd) round(keeps func(number int) bool) {
	for client := range c.clients {
		e := c.envelope(client)
		if c.sent++; keeps(c.sent) {
			c.inbox.put(e)
		}
		c.named[client] = []report.ReceiptedBatch{c.receipt(e)}
	}
	time.Sleep(time.Minute)
}

// envelope is a client's next batch, which names what was receipted before.
func (c *crowd) envelope(client int) report.Envelope {
	id, err := report.NewBatchID(time.Now(), c.random)
	if err != nil {
		c.Fatal(err)
	}
	records := []any{detector.ShopHeader(uint64(client) + 1)}
	if names := c.named[client]; len(names) > 0 {
		slices.SortFunc(names, func(a, b report.ReceiptedBatch) int { return bytes.Compare(a.Name[:], b.Name[:]) })
		records = append(records, &report.Receipts{Batches: names})
	}
	return report.Envelope{Batch: id, Received: time.Now().UnixMilli(), Collector: "c1", ASN: c.network(client), Bucket: report.Bucket(1 + client%30), Country: "XA",
		Segment: detector.Seal(c, id, append(records, okWindow())...)}
}

func (c *crowd) receipt(e report.Envelope) report.ReceiptedBatch {
	info, err := seal.ParseSegment(e.Segment)
	if err != nil {
		c.Fatal(err)
	}
	return report.ReceiptedBatch{Collector: "c1", Name: seal.Name(e.Segment), Frames: uint16(info.Frames)}
}

// forge has a client claim n receipts of batches that never were.
func (c *crowd) forge(client, n int) {
	for range n {
		b := report.ReceiptedBatch{Collector: "c1", Frames: 3}
		id, _ := report.NewBatchID(time.Now(), c.random)
		copy(b.Name[:8], id[:])
		_, _ = c.random.Read(b.Name[8:])
		c.named[client] = append(c.named[client], b)
	}
	c.inbox.put(c.envelope(client))
	c.named[client] = nil
}

func all(int) bool { return true }

// oneInAHundred is what a collector keeps that throws away one in a hundred.
func oneInAHundred() func(int) bool {
	random := rand.New(rand.NewPCG(1, 2))
	return func(int) bool { return random.IntN(100) != 0 }
}

// unkept are the incidents of collectors that lose what they receipted.
func (b *bench) unkept() (found []model.Incident) {
	for _, i := range b.incidents() {
		if i.Outcome == model.ReceiptUnkept {
			found = append(found, i)
		}
	}
	return found
}

// TestCollectorThatThrowsAway one batch in a hundred, and signs for it, is found. What was found
// outlives a restart, and people are told.
func TestCollectorThatThrowsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newAuditBench(t)
		defer func() { b.stop() }()
		c := newCrowd(b)
		liar, lost := oneInAHundred(), 0
		keeps := func(number int) bool {
			kept := liar(number)
			if !kept {
				lost++
			}
			return kept
		}
		for range 20 {
			c.round(keeps)
		}
		if got := b.unkept(); len(got) != 0 {
			t.Fatalf("after %d batches: %+v", lost, got)
		}
		b.stop() // what was claimed is not forgotten
		b.start()
		for range 30 {
			c.round(keeps)
		}
		c.round(all)
		time.Sleep(20 * time.Minute)
		c.round(all)
		time.Sleep(5 * time.Minute)
		got := b.unkept()
		if len(got) != 1 || !got[0].Open() || got[0].Verdict != model.CollectorPath || got[0].Collector() != "c1" {
			t.Fatalf("incidents %+v, want one of c1", got)
		}
		if i := got[0]; !strings.HasPrefix(i.Title, "c1 receipted ") || !strings.HasSuffix(i.Title, " batches that never came") {
			t.Errorf("title %q", i.Title)
		}
		b.metric("receipts_unkept", float64(lost), "c1")
		b.stop()
		b.start()
		time.Sleep(time.Minute)
		if again := b.unkept(); len(again) != 1 || again[0].ID != got[0].ID {
			t.Errorf("after a restart: %+v", again)
		}
		outbox, err := b.state.Outbox(b.Context(), 0, 100)
		if err != nil || len(outbox) == 0 || outbox[0].Kind != model.Opened || outbox[0].Incident.Outcome != model.ReceiptUnkept {
			t.Errorf("outbox %+v, %v", outbox, err)
		}
		for range 3 { // honest again
			time.Sleep(3 * time.Hour)
			c.round(all)
		}
		time.Sleep(5 * time.Minute)
		if over := b.unkept(); len(over) != 1 || over[0].Open() {
			t.Errorf("after hours without news: %+v", over)
		}
	})
}

// slow is a feed that tells of batches late, or not at all.
type slow struct {
	*inbox
	lag  time.Duration
	down func() bool
}

func (s *slow) Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error) {
	if s.down != nil && s.down() {
		return nil, context.DeadlineExceeded
	}
	page, err := s.inbox.Read(ctx, after, limit)
	ripe := time.Now().Add(-s.lag).UnixMilli()
	for i := range page {
		if page[i].Received > ripe {
			return page[:i], err
		}
	}
	return page, err
}

// TestSlowCollectorIsNotAccused: neither when its batches come hours late, nor when its feed is
// down for hours.
func TestSlowCollectorIsNotAccused(t *testing.T) {
	for name, feed := range map[string]func(*inbox) detector.Feed{
		"late": func(i *inbox) detector.Feed { return &slow{inbox: i, lag: 3 * time.Hour} },
		"down": func(i *inbox) detector.Feed {
			up := time.Now().Add(2*time.Hour + 30*time.Second)
			return &slow{inbox: i, down: func() bool { return time.Now().Before(up) && time.Now().After(up.Add(-2*time.Hour)) }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newAuditBench(t)
				defer func() { b.stop() }()
				// the claims come through a collector that is quick
				quick := newInbox()
				if err := b.det.Reload(detector.Settings{Feeds: map[string]detector.Feed{"c1": feed(b.inbox), "c2": quick}, Keys: seal.NewKeyring(detector.TestKey)}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				c := newCrowd(b)
				for range 12 {
					for client := range c.clients {
						e := c.envelope(client)
						b.inbox.put(e)
						c.named[client] = []report.ReceiptedBatch{c.receipt(e)}
						e = c.envelope(client)
						e.Collector = "c2"
						quick.put(e)
						c.named[client] = nil
					}
					time.Sleep(20 * time.Minute)
				}
				b.metric("receipts_unkept", 0, "c1")
				time.Sleep(8 * time.Hour)
				if got := b.unkept(); len(got) != 0 {
					t.Errorf("incidents %+v", got)
				}
			})
		})
	}
}

// TestForgedClaimsDoNotAccuse an honest collector when they come from one network or two, however
// many clients there claim to be, and however many batches.
func TestForgedClaimsDoNotAccuse(t *testing.T) {
	for name, networks := range map[string]uint32{"one network": 1, "two networks": 2} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newAuditBench(t)
				defer func() { b.stop() }()
				c := newCrowd(b)
				forger := false
				network := c.network
				c.network = func(client int) uint32 {
					if forger {
						return 64666 + uint32(client)%networks
					}
					return network(client)
				}
				for minute := range 8 {
					c.round(all)
					forger = true
					for n := range 10 {
						c.forge(1000+100*minute+n, report.MaxReceipts)
					}
					forger = false
				}
				time.Sleep(20 * time.Minute)
				c.round(all)
				time.Sleep(5 * time.Minute)
				if got := b.unkept(); len(got) != 0 {
					t.Errorf("incidents %+v", got)
				}
				claims, err := b.state.Claims(t.Context())
				if err != nil || len(claims) < 1000 {
					t.Errorf("%d claims, %v: want those that never were", len(claims), err)
				}
			})
		})
	}
}

// TestReceiptedCopyIsNotEnough: a collector that hands on the beginning of a batch, or something
// of its own under the id, has not kept its word.
func TestReceiptedCopyIsNotEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newAuditBench(t)
		defer func() { b.stop() }()
		c := newCrowd(b)
		time.Sleep(time.Minute)
		for client := range c.clients {
			e := c.envelope(client)
			c.named[client] = []report.ReceiptedBatch{c.receipt(e)}
			if client%2 == 0 {
				e.Segment = cut(e.Segment, 1)
			} else {
				e.Segment = detector.Seal(t, e.Batch, detector.ShopHeader(uint64(client)), okWindow())
			}
			b.inbox.put(e)
		}
		c.round(all)
		time.Sleep(20 * time.Minute)
		c.round(all)
		time.Sleep(5 * time.Minute)
		if got := b.unkept(); len(got) != 1 {
			t.Errorf("incidents %+v, want one", got)
		}
		b.metric("receipts_unkept", 40, "c1")
	})
}
