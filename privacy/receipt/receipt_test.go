package receipt

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
	"github.com/heliograph-net/heliograph/report/cbor"
)

func TestReceiptsProveTheirStatements(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 8, 33, 65} {
		statements := make([]Statement, n)
		for i := range statements {
			statements[i] = testStatements[i%len(testStatements)]
			statements[i].Batch[15] = byte(i)
		}
		for i, r := range receipts(t, fixtures.SigningKey(3), statements...) {
			got, err := Verify(fixtures.PublicKey(3), r)
			if err != nil || got != statements[i] {
				t.Fatalf("receipt %d of %d: %+v, %v", i, n, got, err)
			}
		}
	}
}

func TestReceiptOfTheLargestCommitFits(t *testing.T) {
	worst := Statement{Batch: fixtures.Batch, Body: [32]byte{1}, Decision: SlowDown, Reason: strings.Repeat("x", maxReason), DelayMS: maxDelayMS}
	statements := make([]Statement, maxLeaves)
	for i := range statements {
		statements[i] = worst
	}
	all := receipts(t, fixtures.SigningKey(3), statements...)
	for _, i := range []int{0, 1, maxLeaves / 2, maxLeaves - 1} {
		if got, err := Verify(fixtures.PublicKey(3), all[i]); err != nil || got != worst || len(all[i]) > MaxSize {
			t.Errorf("receipt %d: %d bytes, %v", i, len(all[i]), err)
		}
	}
	if _, err := Sign(fixtures.SigningKey(3), append(statements, worst)); err == nil {
		t.Error("one more was signed")
	}
}

func TestEveryBitOfReceiptCounts(t *testing.T) {
	for _, r := range [][]byte{receipts(t, fixtures.SigningKey(3), testStatements[0])[0], receipts(t, fixtures.SigningKey(3), testStatements...)[3]} {
		fixtures.FlipEach(r, func(bit int, flipped []byte) {
			if s, err := Verify(fixtures.PublicKey(3), flipped); !errors.Is(err, ErrInvalid) || s != (Statement{}) {
				t.Fatalf("bit %d of byte %d can change: %+v, %v", bit%8, bit/8, s, err)
			}
		})
		for n := range r {
			if _, err := Verify(fixtures.PublicKey(3), r[:n:n]); !errors.Is(err, ErrInvalid) {
				t.Fatalf("cut to %d bytes: %v", n, err)
			}
		}
		if _, err := Verify(fixtures.PublicKey(3), append(bytes.Clone(r), 0)); !errors.Is(err, ErrInvalid) {
			t.Fatalf("one byte more: %v", err)
		}
	}
}

func TestVerifyReceiptRefuses(t *testing.T) {
	all := receipts(t, fixtures.SigningKey(3), testStatements...)
	at := func(i int, index uint32) []byte {
		r := bytes.Clone(all[i])
		binary.BigEndian.PutUint32(r[receiptHead-4:], index)
		return r
	}
	for _, c := range []struct {
		name    string
		key     ed25519.PublicKey
		receipt []byte
	}{
		{"another collector's key", fixtures.PublicKey(4), all[0]},
		{"no key", nil, all[0]},
		{"captive portal", fixtures.PublicKey(3), []byte("<html>please log in</html>")},
		{"empty", fixtures.PublicKey(3), nil},
		{"its neighbour's index", fixtures.PublicKey(3), at(0, 1)},
		{"index of another depth", fixtures.PublicKey(3), at(0, 4)},
		{"index outside", fixtures.PublicKey(3), at(0, uint32(len(all)))},
		{"too large", fixtures.PublicKey(3), append(bytes.Clone(all[0]), make([]byte, MaxSize)...)},
		{"another's statement", fixtures.PublicKey(3), append(bytes.Clone(all[0][:len(all[0])-len(appendStatement(nil, &testStatements[0]))]), appendStatement(nil, &testStatements[1])...)},
	} {
		if s, err := Verify(c.key, c.receipt); !errors.Is(err, ErrInvalid) || s != (Statement{}) {
			t.Errorf("%s: %+v, %v", c.name, s, err)
		}
	}
}

func TestStatementsThatMakeNoSenseAreNotSigned(t *testing.T) {
	good := testStatements[0]
	for name, change := range map[string]func(*Statement){
		"no decision":             func(s *Statement) { s.Decision = 0 },
		"unknown decision":        func(s *Statement) { s.Decision = 4 },
		"stored nothing":          func(s *Statement) { s.Body = [32]byte{} },
		"refused without reason":  func(s *Statement) { s.Decision = Refused },
		"reason with a space":     func(s *Statement) { s.Reason = "a b" },
		"reason too long":         func(s *Statement) { s.Reason = strings.Repeat("x", maxReason+1) },
		"delay of what is stored": func(s *Statement) { s.DelayMS = 1 },
		"delay of two days":       func(s *Statement) { s.Decision, s.Reason, s.DelayMS = SlowDown, ReasonOverload, 2*maxDelayMS },
	} {
		bad := good
		change(&bad)
		if r, err := Sign(fixtures.SigningKey(3), []Statement{good, bad}); err == nil || r != nil {
			t.Errorf("%s: signed", name)
		}
	}
	if _, err := Sign(nil, []Statement{good}); err == nil {
		t.Error("signed without a key")
	}
	if r, err := Sign(fixtures.SigningKey(3), nil); err != nil || len(r) != 0 {
		t.Errorf("no statements: %v", err)
	}
}

// All of these have a valid signature, but what was signed is not the canonical encoding of a
// statement.
func TestStatementHasOneEncoding(t *testing.T) {
	batch := func(dst []byte) []byte { return cbor.AppendBytes(cbor.AppendUint(dst, 1), fixtures.Batch[:]) }
	body := func(dst []byte) []byte { return cbor.AppendBytes(cbor.AppendUint(dst, 2), bytes.Repeat([]byte{1}, 32)) }
	stored := func(dst []byte) []byte { return cbor.AppendUint(cbor.AppendUint(dst, 3), 1) }
	good := stored(body(batch(cbor.AppendMap(nil, 3))))
	if _, fault := decodeStatement(good); fault != "" {
		t.Fatal(fault)
	}
	for name, b := range map[string][]byte{
		"no batch":      stored(body(cbor.AppendMap(nil, 2))),
		"short batch":   stored(body(cbor.AppendBytes(cbor.AppendUint(cbor.AppendMap(nil, 3), 1), fixtures.Batch[:15]))),
		"zero body":     stored(cbor.AppendBytes(cbor.AppendUint(batch(cbor.AppendMap(nil, 3)), 2), make([]byte, 32))),
		"keys swapped":  stored(batch(body(cbor.AppendMap(nil, 3)))),
		"key twice":     stored(stored(body(batch(cbor.AppendMap(nil, 4))))),
		"empty reason":  cbor.AppendText(cbor.AppendUint(stored(body(batch(cbor.AppendMap(nil, 4)))), 4), ""),
		"zero delay":    cbor.AppendUint(cbor.AppendUint(stored(body(batch(cbor.AppendMap(nil, 4)))), 5), 0),
		"unknown key":   cbor.AppendUint(cbor.AppendUint(stored(body(batch(cbor.AppendMap(nil, 4)))), 6), 1),
		"longer length": append([]byte{0xb8, 3}, good[1:]...),
		"more bytes":    append(bytes.Clone(good), 0),
		"no map":        cbor.AppendUint(nil, 1),
		"empty":         nil,
	} {
		if _, fault := decodeStatement(b); fault == "" {
			t.Errorf("%s: accepted", name)
		}
	}
}
