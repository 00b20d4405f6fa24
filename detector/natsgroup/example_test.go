package natsgroup_test

import (
	"context"
	"fmt"
	"log"

	"github.com/heliograph-net/heliograph/detector/natsgroup"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// A member that reaches no other one opens every batch itself.
func Example() {
	group, err := natsgroup.New(natsgroup.Options{ID: "hub", Member: "d1", Servers: []string{"nats://127.0.0.1:4222"}})
	if err != nil {
		log.Fatal(err)
	}
	key, err := seal.GenerateOpenKey()
	if err != nil {
		log.Fatal(err)
	}
	id := report.BatchID{1}
	s, err := seal.NewSealer(key.SealKey(), id)
	if err != nil {
		log.Fatal(err)
	}
	segment, err := s.Seal(s.Prefix(), []byte("a record"))
	if err != nil {
		log.Fatal(err)
	}
	batch := &report.Envelope{Seq: 1, Batch: id, Segment: seal.AppendEnd(segment)}
	for _, o := range group.Open(context.Background(), "c1", seal.NewKeyring(key), []*report.Envelope{batch}) {
		fmt.Printf("%s %v\n", o.Records[0], o.Err)
	}
	// Output: a record <nil>
}
