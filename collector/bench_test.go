package collector_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

// BenchmarkIngest is one upload of one window over 64 connections, receipt included, and the floor
// in the same run: net/http, the body read, an answer. The load generator runs in the same process.
func BenchmarkIngest(b *testing.B) {
	b.Run("floor", func(b *testing.B) {
		benchmarkUploads(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, "ok")
		}))
	})
	b.Run("collector", func(b *testing.B) {
		inbox := must(sqliteinbox.Open(filepath.Join(b.TempDir(), "inbox.db"), sqliteinbox.Options{}))(b)
		defer inbox.Close()
		c := must(collector.New(collector.Options{ID: "c1", Inbox: inbox, Settings: collector.Settings{ReceiptKey: ed25519.NewKeyFromSeed(make([]byte, 32))}}))(b)
		stop := run(b, c)
		benchmarkUploads(b, c.Handler())
		if err := stop(); err != nil {
			b.Fatal(err)
		}
	})
}

func benchmarkUploads(b *testing.B, h http.Handler) {
	const connections = 64
	srv := httptest.NewServer(h)
	defer srv.Close()
	segment := sealed(b, must(seal.GenerateOpenKey())(b).SealKey(), batchID(0))
	head := fmt.Sprintf("POST /v1/batches HTTP/1.1\r\nHost: c\r\nContent-Type: %s\r\n%s: oA\r\nContent-Length: %d\r\n\r\n",
		protocol.MediaTypeSegment, protocol.HeaderDelivery, len(segment))
	var next atomic.Uint32
	var wg sync.WaitGroup
	b.SetBytes(int64(len(segment)))
	b.ResetTimer()
	cpu := cpuTime(b)
	for range connections {
		conn := must(net.Dial("tcp", strings.TrimPrefix(srv.URL, "http://")))(b)
		wg.Go(func() {
			defer conn.Close()
			request := append([]byte(head), segment...)
			in := bufio.NewReader(conn)
			for n := next.Add(1); n <= uint32(b.N); n = next.Add(1) {
				id := batchID(0)
				// those of one minute come in any order
				binary.BigEndian.PutUint64(id[4:], uint64(n)*0x9e3779b97f4a7c15)
				copy(request[len(head)+4:], id[:])
				if _, err := conn.Write(request); err != nil {
					b.Error(err)
					return
				}
				if err := skipResponse(in); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "uploads/s")
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N), "cpu-µs/op")
}

// cpuTime is what this process has used: unlike the time of the clock it hardly depends on what
// else the machine does.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// skipResponse reads an answer of 200 or 202 with a Content-Length.
func skipResponse(in *bufio.Reader) error {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 20")) {
			return fmt.Errorf("answer %q", line)
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
				return err
			}
		}
		if len(line) == 2 {
			_, err := in.Discard(length)
			return err
		}
	}
}
