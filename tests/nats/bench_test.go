package nats

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// BenchmarkPublish compares the ways of giving a group of batches of 1 KB to a server that syncs
// every write: one by one, as one atomic publish, which is natsinbox's, and as one message.
func BenchmarkPublish(b *testing.B) {
	n := alone(b, "always")
	conn, err := nats.Connect(n.url())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		b.Fatal(err)
	}
	const subject = "bench"
	if _, err := js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "bench", Subjects: []string{subject}, AllowAtomicPublish: true}); err != nil {
		b.Fatal(err)
	}
	for _, group := range []int{10, 100, 500} {
		for name, publish := range map[string]func(context.Context, jetstream.JetStream, []*nats.Msg) error{"each": asEach, "atomic": asGroup, "one": asOne} {
			b.Run(fmt.Sprintf("%s-%d", name, group), func(b *testing.B) {
				for b.Loop() {
					messages := make([]*nats.Msg, group)
					for i := range messages {
						m := nats.NewMsg(subject)
						m.Data = make([]byte, 1000)
						rand.Read(m.Data)
						m.Header.Set(jetstream.MsgIDHeader, rand.Text())
						messages[i] = m
					}
					if err := publish(b.Context(), js, messages); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(group*b.N)/b.Elapsed().Seconds(), "batches/s")
			})
		}
	}
}

func asEach(_ context.Context, js jetstream.JetStream, messages []*nats.Msg) error {
	var futures []jetstream.PubAckFuture
	for _, m := range messages {
		f, err := js.PublishMsgAsync(m)
		if err != nil {
			return err
		}
		futures = append(futures, f)
	}
	for _, f := range futures {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			return err
		}
	}
	return nil
}

func asGroup(ctx context.Context, js jetstream.JetStream, messages []*nats.Msg) error {
	group, err := jetstreamext.NewBatchPublisher(js)
	if err != nil {
		return err
	}
	final := len(messages) - 1
	for _, m := range messages[:final] {
		if err := group.AddMsg(m); err != nil {
			return err
		}
	}
	_, err = group.CommitMsg(ctx, messages[final])
	return err
}

func asOne(ctx context.Context, js jetstream.JetStream, messages []*nats.Msg) error {
	all := nats.NewMsg(messages[0].Subject)
	for _, m := range messages {
		all.Data = append(all.Data, m.Data...)
	}
	_, err := js.PublishMsg(ctx, all)
	return err
}
