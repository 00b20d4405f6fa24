// Package ingest measures the collector's side: how many uploads a server takes over loopback from
// 64 connections, the load generator on the same cores. Most readers need Run. Every server is a
// process of its own.
package ingest

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// receiptKey is the collector's in this run. There is nothing to keep secret.
var receiptKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))

// Payload makes the requests of one kind. Each has a batch id of its own, in the header and
// in the body.
type Payload struct {
	Counters int // that one request carries: counters of ours, log records of OTLP
	Bytes    int // of one request's body
	request  []byte
	idHex    int // where the id is in the head; 0: this kind has none
	id       int // where the id is in the body
}

// append appends one request with a fresh id. Only the id differs from request to request: the
// collector cannot open a segment, so it cannot tell that these would not open.
func (p *Payload) append(dst []byte, rng *rand.Rand) []byte {
	start := len(dst)
	dst = append(dst, p.request...)
	if p.idHex == 0 {
		return dst
	}
	var id report.BatchID
	binary.BigEndian.PutUint32(id[:], uint32(time.Now().Unix()/60))
	binary.BigEndian.PutUint64(id[4:], rng.Uint64())
	binary.BigEndian.PutUint32(id[12:], rng.Uint32())
	hex.Encode(dst[start+p.idHex:], id[:])
	copy(dst[start+p.id:], id[:])
	return dst
}

// segmentPayload is an agent's upload: a really sealed segment of one window with so many counters.
func segmentPayload(counters int) (*Payload, error) {
	var id report.BatchID
	copy(id[:], "heliograph bench")
	segment, err := sealSegment(id, counters)
	if err != nil {
		return nil, err
	}
	delivery, err := report.AppendDelivery(nil, report.Delivery{Age: 1500})
	if err != nil {
		return nil, err
	}
	head := "POST /v1/batches HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: heliograph/1\r\nContent-Length: " + strconv.Itoa(len(segment)) +
		"\r\nAccept: " + protocol.MediaTypeReceipt + "\r\nContent-Type: " + protocol.MediaTypeSegment +
		"\r\nHeliograph-Batch: " + id.String() +
		"\r\nHeliograph-Delivery: " + base64.RawURLEncoding.EncodeToString(delivery) + "\r\n\r\n"
	return &Payload{
		Counters: counters, Bytes: len(segment), request: append([]byte(head), segment...),
		idHex: bytes.Index([]byte(head), []byte(id.String())),
		id:    len(head) + bytes.Index(segment, id[:]),
	}, nil
}

func sealSegment(id report.BatchID, counters int) ([]byte, error) {
	open, err := seal.GenerateOpenKey()
	if err != nil {
		return nil, err
	}
	s, err := seal.NewSealer(open.SealKey(), id)
	if err != nil {
		return nil, err
	}
	w := &report.Window{Length: 60_000, SampledPPM: report.FullPPM}
	for i := range counters {
		w.Counters = append(w.Counters, report.Counter{
			Target: fmt.Sprintf("https://host-%03d.shop.example", i), Outcome: report.TCPRefused, Server: "192.0.2.17:443", Count: 3,
		})
	}
	segment := bytes.Clone(s.Prefix())
	for _, r := range []report.Record{
		&report.Header{Source: report.SourceAgent, App: "shop", Version: "1.2", OS: "linux", Consent: report.Counts, Client: [16]byte{1}}, w,
	} {
		record, err := report.AppendRecord(nil, r)
		if err == nil {
			segment, err = s.Seal(segment, record)
		}
		if err != nil {
			return nil, err
		}
	}
	return seal.AppendEnd(segment), nil
}

// checkReceipt says whether a collector's answer is what an agent would delete its segment for.
func checkReceipt(answer []byte) error {
	s, err := receipt.Verify(receiptKey.Public().(ed25519.PublicKey), answer)
	if err == nil && s.Decision != receipt.Stored {
		err = fmt.Errorf("verdict %v %s", s.Decision, s.Reason)
	}
	return err
}
