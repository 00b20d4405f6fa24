package collector_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// crashEnv makes a process of this test a collector: inbox file, then the receipt key's
// seed in hex.
const crashEnv = "HELIOGRAPH_TEST_CRASH"

// A collector process under load is killed with SIGKILL, several times over the same inbox.
// Whatever it gave a receipt for is in the inbox afterwards, once, with the body of the receipt.
func TestKillMinusNineLosesNoReceiptedBatch(t *testing.T) {
	if args := os.Getenv(crashEnv); args != "" {
		serveUntilKilled(t, args)
		return
	}
	seed := bytes.Repeat([]byte{7}, ed25519.SeedSize)
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	path := filepath.Join(t.TempDir(), "inbox.db")
	template := sealed(t, must(seal.GenerateOpenKey())(t).SealKey(), batchID(0))
	receipted := map[report.BatchID][32]byte{}
	rounds := 100
	if testing.Short() {
		rounds = 10
	}
	for round := range rounds {
		load := &crashLoad{t: t, public: public, template: template, round: uint32(round), receipted: receipted}
		// After some receipts, and then anywhere between two commits' beginnings.
		load.run(path, seed, 1+rand.IntN(60), time.Duration(rand.Int64N(int64(3*time.Millisecond))))
	}
	inbox := must(sqliteinbox.Open(path, sqliteinbox.Options{}))(t)
	defer inbox.Close()
	stored := map[report.BatchID]int{}
	for after := uint64(0); ; {
		part := must(inbox.Read(t.Context(), after, 1000))(t)
		if len(part) == 0 {
			break
		}
		for _, e := range part {
			stored[e.Batch]++
			if want, ok := receipted[e.Batch]; ok && sha(e.Segment) != want {
				t.Errorf("batch %v has another body than its receipt", e.Batch)
			}
			after = e.Seq
		}
	}
	if len(receipted) < 100 {
		t.Fatalf("only %d receipts", len(receipted))
	}
	for id := range receipted {
		if stored[id] != 1 {
			t.Errorf("batch %v has a receipt and is in the inbox %d times", id, stored[id])
		}
	}
	t.Logf("%d receipts, %d batches stored", len(receipted), len(stored))
}

// crashLoad is one life of the collector process and those who send to it.
type crashLoad struct {
	t        *testing.T
	public   ed25519.PublicKey
	template []byte
	round    uint32

	mu        sync.Mutex
	receipted map[report.BatchID][32]byte // owned by mu
	enough    chan struct{}               // closed after so many receipts
	left      int                         // owned by mu; until enough
}

func (l *crashLoad) run(path string, seed []byte, receipts int, then time.Duration) {
	l.t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillMinusNineLosesNoReceiptedBatch$")
	cmd.Env = append(os.Environ(), crashEnv+"="+path+"|"+hex.EncodeToString(seed))
	out := must(cmd.StdoutPipe())(l.t)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if !ok {
		_ = cmd.Process.Kill()
		l.t.Fatalf("the collector said %q, %v", line, err)
	}
	l.enough, l.left = make(chan struct{}), receipts
	var senders sync.WaitGroup
	for n := range uint32(16) {
		senders.Go(func() { l.send(url, n) })
	}
	<-l.enough
	time.Sleep(then)
	if err := cmd.Process.Kill(); err != nil {
		l.t.Error(err)
	}
	_ = cmd.Wait() // "signal: killed"
	senders.Wait()
}

// send uploads one batch after another until the collector is gone.
func (l *crashLoad) send(url string, sender uint32) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	for n := uint32(0); ; n++ {
		id := batchID(l.round<<24 | sender<<16 | n)
		segment := bytes.Clone(l.template)
		copy(segment[4:], id[:]) // breaks the seal, which no collector can tell
		req, err := http.NewRequest("POST", url+"/v1/batches", bytes.NewReader(segment))
		if err != nil {
			l.t.Error(err)
			return
		}
		req.Header.Set("Content-Type", protocol.MediaTypeSegment)
		req.Header.Set(protocol.HeaderDelivery, "oA") // the empty map
		resp, err := client.Do(req)
		if err != nil {
			return
		}
		signed, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return
		}
		s, err := receipt.Verify(l.public, signed)
		if err != nil || s.Decision != receipt.Stored || s.Batch != id || s.Body != sha(segment) {
			l.t.Errorf("receipt %+v, %v", s, err)
			return
		}
		l.note(s)
	}
}

func (l *crashLoad) note(s receipt.Statement) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.receipted[s.Batch] = s.Body
	if l.left--; l.left == 0 {
		close(l.enough)
	}
}

func serveUntilKilled(t *testing.T, args string) {
	path, seed, _ := strings.Cut(args, "|")
	key := ed25519.NewKeyFromSeed(must(hex.DecodeString(seed))(t))
	inbox := must(sqliteinbox.Open(path, sqliteinbox.Options{}))(t)
	c := must(collector.New(collector.Options{ID: "c1", Inbox: inbox, Settings: collector.Settings{ReceiptKey: key}}))(t)
	run(t, c)
	ln := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	fmt.Printf("listening http://%s\n", ln.Addr())
	t.Fatal(http.Serve(ln, c.Handler()))
}
