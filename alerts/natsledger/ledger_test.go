package natsledger

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/alerts"
)

// TestAnswersHoldForATime: a detector that could not read the ledger for some time has no answers,
// before another one may take over what it told of.
func TestAnswersHoldForATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := New(Options{Member: "d1", Servers: []string{"nats://127.0.0.1:1"}})
		if err != nil {
			t.Fatal(err)
		}
		faults := []alerts.Fault{incident("a1", time.Now())}
		l.standings["a1"] = standing{own("a1", "1", nil), time.Now()}
		time.Sleep(valid - time.Second)
		if got := l.Agree(faults); !got["a1"].Own {
			t.Errorf("answers are %+v", got)
		}
		time.Sleep(time.Second)
		if got := l.Agree(faults); len(got) > 0 {
			t.Errorf("answers are %+v", got)
		}
		// a host that was suspended: its monotonic clock stood still
		l.standings["a1"] = standing{own("a1", "1", nil), time.Now().Round(0).Add(-time.Minute)}
		if got := l.Agree(faults); len(got) > 0 {
			t.Errorf("answers are %+v", got)
		}
		if valid+beatEvery+syncEvery >= silent {
			t.Errorf("an answer holds for %v, and others take over after %v", valid, silent)
		}
	})
}

// farBucket is a bucket at the end of a slow link.
type farBucket struct {
	jetstream.KeyValue // nil; what is not below is not called
	delay              time.Duration

	mu       sync.Mutex
	pages    map[string][]byte
	at, most int // requests under way, and the most that were
}

type farEntry struct {
	jetstream.KeyValueEntry
	value []byte
}

func (e farEntry) Value() []byte    { return e.value }
func (e farEntry) Revision() uint64 { return 1 }

func (b *farBucket) call(f func() error) error {
	b.mu.Lock()
	b.at++
	b.most = max(b.most, b.at)
	b.mu.Unlock()
	time.Sleep(b.delay)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at--
	return f()
}

func (b *farBucket) Get(_ context.Context, key string) (e jetstream.KeyValueEntry, err error) {
	err = b.call(func() error {
		text, there := b.pages[key]
		if !there {
			return jetstream.ErrKeyNotFound
		}
		e = farEntry{value: text}
		return nil
	})
	return e, err
}

func (b *farBucket) Create(_ context.Context, key string, text []byte, _ ...jetstream.KVCreateOpt) (uint64, error) {
	return 1, b.call(func() error { b.pages[key] = text; return nil })
}

func (b *farBucket) Update(_ context.Context, key string, text []byte, _ uint64) (uint64, error) {
	return 1, b.call(func() error { b.pages[key] = text; return nil })
}

// TestManyTargetsOverASlowLink: all targets fail at once, and the ledger is far away. Answers about
// each come before those about the others expire, and requests are bounded.
func TestManyTargetsOverASlowLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := New(Options{Member: "d1", Servers: []string{"nats://127.0.0.1:1"}})
		if err != nil {
			t.Fatal(err)
		}
		bucket := &farBucket{delay: 300 * time.Millisecond, pages: map[string][]byte{}}
		l.bucket = bucket
		var faults []alerts.Fault
		for i := range 200 {
			f := incident(fmt.Sprintf("a%d", i), time.Now())
			f.Target = fmt.Sprintf("https://%d.example", i)
			faults = append(faults, f)
		}
		l.Agree(faults)
		for range 10 {
			if err := l.sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(syncEvery)
			if got := l.Agree(faults); len(got) != len(faults) {
				t.Fatalf("%d answers about %d faults", len(got), len(faults))
			}
		}
		if bucket.most > atOnce {
			t.Errorf("%d requests at once, want %d at most", bucket.most, atOnce)
		}
	})
}
