// Package docs_test holds the documents to the code.
package docs_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// The values of the worked example.
var (
	header = &report.Header{
		Source: report.SourceAgent, App: "shop", Version: "1.2", OS: "linux", Consent: report.Diagnostics,
		Client: [16]byte{0xc1, 0x1e, 0x97, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		Drops:  []report.Drop{{Reason: report.DropSpoolFull, Count: 2}},
	}
	window = &report.Window{End: -500, Length: 60000, SampledPPM: report.FullPPM, Counters: []report.Counter{
		{Target: "https://shop.example", Outcome: report.OK, Protocol: "h2", Server: "192.0.2.1:443", Status: 200, Count: 41},
		{Target: "https://shop.example", Outcome: report.TCPReset, Server: "192.0.2.1:443", Count: 3},
	}}
	sample = &report.Sample{
		At: -1200, URL: "https://shop.example/cart/:id", Method: "GET", Outcome: report.TCPReset, Phase: report.PhaseConnection,
		Server: "192.0.2.1:443", ElapsedMS: 84,
	}
	appError = &report.ApplicationError{
		At: -900, Kind: report.KindPanic, Type: "runtime.boundsError", Fingerprint: [16]byte{0x5e, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		Frames: []report.Frame{{Function: "main.(*Cart).Pay", File: "cart.go", Line: 117}}, Count: 1,
	}
	probe = &report.ProbeResults{
		Vantage: "fra", ASN: 64501, Targets: []report.ProbeTarget{{Name: "shop", Address: "192.0.2.1:443", Kind: "tcp", DataCentre: "eu"}},
		Results: []report.ProbeResult{
			{At: -2000, Judgement: report.JudgedUp, Outcome: report.OK, Steps: []report.ProbeStep{{Name: "connect", Micros: 12_000}}, Family: 4, Server: "192.0.2.1:443"},
			{At: -30, Judgement: report.JudgedUp, Outcome: report.TCPReset, Steps: []report.ProbeStep{{Name: "connect", Micros: 900}}, Family: 4, Server: "192.0.2.1:443"},
		},
	}
	receipts = &report.Receipts{Batches: []report.ReceiptedBatch{{
		Collector: "c1", Name: [16]byte{0x01, 0xc9, 0xc3, 0x7f, 0x51, 0xb6, 0xa6, 0x08, 0x77, 0xd1, 0x3c, 0x5e, 0x0d, 0x9f, 0x2a, 0x44}, Frames: 5,
	}}}
	durations = &report.Durations{Histograms: []report.Histogram{
		{{Index: 48, Count: 9}, {Index: 49, Count: 25}, {Index: 50, Count: 5}, {Index: 51, Count: 2}}, {{Index: 52, Count: 3}},
	}}
	batch    = report.BatchID{0x01, 0xc9, 0xc3, 0x80, 0x6e, 0x0d, 0x4e, 0x11, 0x9a, 0x52, 0x30, 0xb7, 0x5c, 0x88, 0xf1, 0x02}
	delivery = report.Delivery{Age: 7000, Path: []report.Attempt{{Collector: "c1", Outcome: report.TCPTimedOut}}}
	envelope = &report.Envelope{
		Seq: 12, Batch: batch, Received: 1_800_000_007_250, Collector: "c2", ASN: 64501, Country: "DE", Delivery: delivery, Segment: []byte("HGS\x01"),
		Bucket: 1234,
	}
)

func TestWireFormatExample(t *testing.T) {
	doc := read(t, "wire-format.md")
	segment := sealed(t)
	want := map[string][]byte{
		"header":   encoded(report.AppendRecord(nil, header)),
		"window":   encoded(report.AppendRecord(nil, window)),
		"sample":   encoded(report.AppendRecord(nil, sample)),
		"apperror": encoded(report.AppendRecord(nil, appError)),
		"probe":    encoded(report.AppendRecord(nil, probe)),
		"receipts": encoded(report.AppendRecord(nil, receipts)),

		"durations": encoded(report.AppendRecord(nil, durations)),

		"delivery": encoded(report.AppendDelivery(nil, delivery)),
		"envelope": encoded(report.AppendEnvelope(nil, envelope)),
		"segment":  segment[:28],
	}
	for name, block := range hexBlocks(t, doc) {
		if !bytes.Equal(block, want[name]) {
			t.Errorf("%s: the document has\n%x, the code writes\n%x", name, block, want[name])
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("%s: not in the document", name)
	}
	for _, text := range []string{
		"segment of " + strconv.Itoa(len(segment)) + " bytes",
		"The header, " + strconv.Itoa(len(encoded(report.AppendRecord(nil, header)))) + " bytes",
		"The window, " + strconv.Itoa(len(encoded(report.AppendRecord(nil, window)))) + " bytes",
		"An application error, " + strconv.Itoa(len(encoded(report.AppendRecord(nil, appError)))) + " bytes",
		"Probe results, " + strconv.Itoa(len(encoded(report.AppendRecord(nil, probe)))) + " bytes",
		"Receipts, " + strconv.Itoa(len(encoded(report.AppendRecord(nil, receipts)))) + " bytes",
		"How long these took, " + strconv.Itoa(len(encoded(report.AppendRecord(nil, durations)))) + " bytes",
		"one of the three, " + strconv.Itoa(len(encoded(report.AppendRecord(nil, sample)))) + " bytes",
		"The delivery, " + strconv.Itoa(len(encoded(report.AppendDelivery(nil, delivery)))) + " bytes",
		protocol.HeaderDelivery + ": " + base64.RawURLEncoding.EncodeToString(encoded(report.AppendDelivery(nil, delivery))),
	} {
		if !strings.Contains(doc, text) {
			t.Errorf("the document does not say %q", text)
		}
	}
}

// sealed is the example's segment, sealed to the key that the document names.
func sealed(t *testing.T) []byte {
	t.Helper()
	var seed [seal.OpenKeySize]byte
	for i := range seed {
		seed[i] = byte(i)
	}
	key, err := seal.ParseOpenKey(seed[:])
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.NewSealer(key.SealKey(), batch)
	if err != nil {
		t.Fatal(err)
	}
	segment := bytes.Clone(sealer.Prefix())
	for _, r := range []report.Record{header, window, sample} {
		if segment, err = sealer.Seal(segment, encoded(report.AppendRecord(nil, r))); err != nil {
			t.Fatal(err)
		}
	}
	segment = seal.AppendEnd(segment)
	if _, records, err := seal.NewKeyring(key).Open(segment); err != nil || len(records) != 3 {
		t.Fatalf("open: %d records, %v", len(records), err)
	}
	return segment
}

func TestWireFormatLimits(t *testing.T) {
	want := map[string]uint64{
		"MaxRecord": report.MaxRecord, "MaxCounters": report.MaxCounters, "MaxString": report.MaxString, "MaxOutcome": report.MaxOutcome,
		"MaxURL": report.MaxURL, "MaxDrops": report.MaxDrops, "MaxCount": report.MaxCount, "MaxStatus": report.MaxStatus, "MaxMessage": report.MaxMessage, "MaxFrames": report.MaxFrames, "MaxLine": report.MaxLine, "MaxClients": report.MaxClients, "MaxReceipts": report.MaxReceipts,
		"MaxProbeTargets": report.MaxProbeTargets, "MaxProbeResults": report.MaxProbeResults, "MaxProbeSteps": report.MaxProbeSteps, "MaxMicros": report.MaxMicros,
		"MaxAge": report.MaxAge, "MaxBucket": report.MaxBucket, "MaxSegmentRows": report.MaxSegmentRows,
		"MaxPath": report.MaxPath, "MaxDelivery": report.MaxDelivery, "MaxSegment": report.MaxSegment, "MaxEnvelope": report.MaxEnvelope,
		"MaxReceipt": receipt.MaxSize, "MaxPolicy": policy.MaxSize, "MaxCollectors": policy.MaxCollectors,
		"MaxAddresses": policy.MaxAddresses, "MaxPins": policy.MaxPins, "MaxSigners": policy.MaxSigners,
		"MaxRelayURL": policy.MaxRelayURL, "MaxObliviousKeys": policy.MaxObliviousKeys,
		"MaxObliviousRequest": protocol.MaxObliviousRequest, "MaxObliviousResponse": protocol.MaxObliviousResponse,
	}
	if seal.MaxSegment != report.MaxSegment {
		t.Errorf("MaxSegment is %d in privacy and %d in report", seal.MaxSegment, report.MaxSegment)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `(Max[A-Za-z]+)` \\| ([0-9,]+) \\|").FindAllStringSubmatch(read(t, "wire-format.md"), -1) {
		n, err := strconv.ParseUint(strings.ReplaceAll(row[2], ",", ""), 10, 64)
		if limit, ok := want[row[1]]; err != nil || !ok || n != limit {
			t.Errorf("%s: the document says %s, the code %d", row[1], row[2], limit)
		}
		delete(want, row[1])
	}
	for name := range want {
		t.Errorf("%s: not in the document", name)
	}
}

// The names that both sides must spell alike are in the document as the code has them.
func TestWireFormatNames(t *testing.T) {
	doc := read(t, "wire-format.md")
	for _, name := range []string{
		protocol.MediaTypeSegment, protocol.MediaTypeReceipt, protocol.MediaTypePolicy, protocol.MediaTypeFeed, protocol.HeaderDelivery, protocol.HeaderBatch,
		protocol.HeaderNetwork, protocol.HeaderGatewayKeys, ohttp.MediaTypeRequest, ohttp.MediaTypeResponse, ohttp.MediaTypeKeys, ohttp.ProblemKey,
		receipt.ReasonDuplicate, receipt.ReasonMalformed, receipt.ReasonTruncated, receipt.ReasonTooLarge, receipt.ReasonVersion,
		receipt.ReasonUnknownKey, receipt.ReasonIDConflict, receipt.ReasonOverload, receipt.ReasonUnavailable,
		report.DropSpoolFull, report.DropExpired, report.DropCorrupt, report.DropWriteFailed, report.DropOverflow, report.DropQueueFull, report.DropRefused,
	} {
		if !strings.Contains(doc, "`"+name+"`") && !strings.Contains(doc, "`"+name+":") {
			t.Errorf("the document does not name %s", name)
		}
	}
}

func encoded(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// hexBlocks returns the bytes of the blocks that are marked "hex NAME"; what follows a # in a line
// is a comment.
func hexBlocks(t *testing.T, doc string) map[string][]byte {
	t.Helper()
	blocks := map[string][]byte{}
	for _, m := range regexp.MustCompile("(?ms)^```hex ([a-z]+)\n(.*?)^```$").FindAllStringSubmatch(doc, -1) {
		var digits strings.Builder
		for line := range strings.Lines(m[2]) {
			code, _, _ := strings.Cut(line, "#")
			digits.WriteString(strings.Join(strings.Fields(code), ""))
		}
		b, err := hex.DecodeString(digits.String())
		if err != nil {
			t.Fatalf("%s: %v", m[1], err)
		}
		blocks[m[1]] = b
	}
	return blocks
}
