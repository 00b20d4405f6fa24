package nats

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/inboxtest"
	"github.com/heliograph-net/heliograph/collector/natsinbox"
	"github.com/heliograph-net/heliograph/collector/sqliteledger"
)

// places numbers the streams of this process.
var places atomic.Int64

// place returns a function that opens an inbox on its own stream of servers.
func place(t *testing.T, b inboxtest.Bounds, o natsinbox.Options) func() (collector.Inbox, error) {
	o.Stream, o.MaxBytes, o.MaxAge = fmt.Sprintf("place-%d", places.Add(1)), b.MaxBytes, b.MaxAge
	if o.MaxBytes == 0 {
		o.MaxBytes = 256 << 20
	}
	path := filepath.Join(t.TempDir(), "ledger.db")
	return func() (collector.Inbox, error) {
		queue, err := natsinbox.Open(t.Context(), o)
		if err != nil {
			return nil, err
		}
		ledger, err := sqliteledger.Open(path, sqliteledger.Options{Retention: b.Retention})
		if err != nil {
			queue.Close()
			return nil, err
		}
		return collector.Join(queue, ledger), nil
	}
}

func TestInbox(t *testing.T) {
	s := alone(t, "always")
	inboxtest.TestInbox(t, func(t *testing.T, b inboxtest.Bounds) func() (collector.Inbox, error) {
		return place(t, b, natsinbox.Options{Servers: []string{s.url()}, Replicas: 1, Monitor: s.monitorURL()})
	})
}

// TestStreamMustBeDurable: receipts promise that a batch is kept.
func TestStreamMustBeDurable(t *testing.T) {
	always, seldom := alone(t, "always"), alone(t, "2m")
	for _, test := range []struct {
		name    string
		of      *node
		monitor string
		assume  bool
		want    string // part of the error; "": it is accepted
	}{
		{"always", always, always.monitorURL(), false, ""},
		{"seldom", seldom, seldom.monitorURL(), false, "set sync_interval: always"},
		{"seldom-but-assumed", seldom, seldom.monitorURL(), true, ""},
		{"unknown", always, "", false, "without monitor"},
		{"nobody-answers", always, "http://127.0.0.1:1", false, "connection refused"},
	} {
		o := natsinbox.Options{Servers: []string{test.of.url()}, Stream: "durable-" + test.name, Replicas: 1, Monitor: test.monitor, AssumeDurable: test.assume}
		q, err := natsinbox.Open(t.Context(), o)
		if err == nil {
			q.Close()
		}
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want an error with %q", test.name, err, test.want)
		}
	}
}

// TestStreamOfOtherMaking: a stream that an operator has made may not lose batches.
func TestStreamOfOtherMaking(t *testing.T) {
	s := alone(t, "always")
	conn, err := nats.Connect(s.url())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*jetstream.StreamConfig)
		want   string // part of the error; "": it is accepted
	}{
		"good":     {func(*jetstream.StreamConfig) {}, ""},
		"subject":  {func(c *jetstream.StreamConfig) { c.Subjects = []string{"other.>"} }, "its subjects are"},
		"memory":   {func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, "storage: file"},
		"old":      {func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, "discard: new"},
		"queue":    {func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy }, "retention"},
		"age":      {func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, "limits age"},
		"messages": {func(c *jetstream.StreamConfig) { c.MaxMsgs = 10 }, "limits age or number"},
		"direct":   {func(c *jetstream.StreamConfig) { c.AllowDirect = false }, "allow_direct"},
		"purge":    {func(c *jetstream.StreamConfig) { c.DenyPurge = true }, "denies purges"},
	} {
		c := jetstream.StreamConfig{Name: "made-" + name, Subjects: []string{"heliograph.batches.made-" + name}, Discard: jetstream.DiscardNew, AllowDirect: true}
		test.change(&c)
		if _, err := js.CreateStream(t.Context(), c); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		q, err := natsinbox.Open(t.Context(), natsinbox.Options{Servers: []string{s.url()}, Stream: c.Name, Monitor: s.monitorURL()})
		if err == nil {
			q.Close()
		}
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
}

// TestAnswerIsLost: a group that was stored, but not recorded, is not stored again.
func TestAnswerIsLost(t *testing.T) {
	s := alone(t, "always")
	q, err := natsinbox.Open(t.Context(), natsinbox.Options{Servers: []string{s.url()}, Stream: "lost", Replicas: 1, Monitor: s.monitorURL()})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	var all []collector.Entry
	for n := range 10 {
		all = append(all, entry(n))
	}
	for _, group := range [][]collector.Entry{all[:5], all[:5], all[3:8], all} {
		if err := q.Append(t.Context(), group); err != nil {
			t.Fatal(err)
		}
	}
	wantOnce(t, q, len(all))
}
