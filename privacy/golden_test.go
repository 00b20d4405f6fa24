package privacy

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Files of a released version are never written again: every later build has to read them. A version that cannot be read by the present
// one gets a directory of its own.
var update = flag.Bool("update", false, "write golden files that are missing")

const goldenDir = "testdata/golden/v1"

// golden returns a file's bytes; with -update it first writes what made returns, if there is no such file yet.
func golden(t *testing.T, name string, made func() []byte) []byte {
	t.Helper()
	file := filepath.Join(goldenDir, name)
	b, err := os.ReadFile(file)
	if *update && errors.Is(err, fs.ErrNotExist) {
		b = made()
		if err = os.MkdirAll(goldenDir, 0o755); err == nil {
			err = os.WriteFile(file, b, 0o644)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var goldenRecords = [][]byte{[]byte("first record"), bytes.Repeat([]byte{0xa5}, 300), {0}}

func TestGoldenSegment(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1)
	segment := golden(t, "segment.bin", func() []byte { return AppendEnd(sealed(t, openKey(t, 1).SealKey(), goldenRecords...)) })
	info, records, err := NewKeyring(openKey(t, 1)).Open(segment)
	if err != nil || !slices.EqualFunc(records, goldenRecords, bytes.Equal) {
		t.Fatalf("%d records, %v", len(records), err)
	}
	want := SegmentInfo{ID: testBatch, Key: KeyID{0xf3, 0x7b, 0x99, 0xb2, 0xdb, 0x73, 0x2a, 0x7d}, Frames: 3}
	if info != want {
		t.Errorf("info is %+v", info)
	}
}

func TestGoldenReceipts(t *testing.T) {
	made := append(receipts(t, signingKey(3), testStatements[0]), receipts(t, signingKey(3), testStatements...)...)
	want := append(testStatements[:1:1], testStatements...)
	for i, r := range made {
		file := golden(t, "receipt-"+strconv.Itoa(i)+".bin", func() []byte { return r })
		if !bytes.Equal(file, r) {
			t.Errorf("receipt %d: the same statement makes another receipt", i)
		}
		if got, err := VerifyReceipt(publicKey(3), file); err != nil || got != want[i] {
			t.Errorf("receipt %d: %+v, %v", i, got, err)
		}
	}
}

func TestGoldenPolicies(t *testing.T) {
	disabled := testPolicy(t)
	disabled.Version, disabled.Disabled, disabled.MaxConsent, disabled.Collectors = 8, true, report.Off, disabled.Collectors[1:]
	for name, p := range map[string]*Policy{"policy.bin": testPolicy(t), "policy-disabled.bin": disabled} {
		b := signed(t, p, signingKey(1))
		file := golden(t, name, func() []byte { return b })
		if !bytes.Equal(file, b) {
			t.Errorf("%s: the same policy makes another file", name)
		}
		if got, err := OpenPolicy(file, publicKey(1)); err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestGoldenFeedAuthorization(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	made := SignFeed(signingKey(5), "c1", "GET", "/v1/feed?after=7&limit=100&wait=20s", now)
	file := string(golden(t, "feed-authorization.txt", func() []byte { return []byte(made) }))
	if file != made {
		t.Error("the same request makes another header")
	}
	if _, err := VerifyFeed(file, "c1", "GET", "/v1/feed?after=7&limit=100&wait=20s", now, 0, publicKey(5)); err != nil {
		t.Error(err)
	}
}

// The layouts that documents and other languages' implementations rely on.
func TestGoldenSizes(t *testing.T) {
	for name, size := range map[string]int{
		"segment.bin":   3 + 1 + 16 + 8 + 1120 + 3*(4+16) + 12 + 300 + 1 + 4,
		"receipt-0.bin": 3 + 1 + 64 + 4 + 4 + 1 + 1 + 17 + 1 + 2 + 32 + 1 + 1,
	} {
		if b := golden(t, name, nil); len(b) != size {
			t.Errorf("%s has %d bytes, want %d", name, len(b), size)
		}
	}
	if sum := sha256.Sum256(openKey(t, 1).SealKey().Bytes()); KeyID(sum[:8]) != openKey(t, 1).SealKey().ID() {
		t.Error("the key's id is not the start of its SHA-256")
	}
}
