package collector_test

import (
	"bufio"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/privacy"
)

// BenchmarkOverload measures what 64 connections get through, and then offers five times that: 4,000 agents
// that heed a slow-down. It reports the goodput as a part of the capacity. The load generator runs in the same process. Give the
// seconds of each phase as -benchtime, 60x for a minute.
func BenchmarkOverload(b *testing.B) {
	inbox := must(sqliteinbox.Open(filepath.Join(b.TempDir(), "inbox.db"), sqliteinbox.Options{}))(b)
	defer inbox.Close()
	c := must(collector.New(collector.Options{ID: "c1", Inbox: inbox, ReceiptKey: ed25519.NewKeyFromSeed(make([]byte, 32))}))(b)
	srv := httptest.NewServer(c.Handler())
	defer srv.Close()
	l := &offeredLoad{b: b, addr: strings.TrimPrefix(srv.URL, "http://"),
		segment: sealed(b, must(privacy.GenerateOpenKey())(b).SealKey(), batchID(0))}
	phase := time.Duration(b.N) * time.Second
	capacity := l.run(64, 0, phase)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	shed := l.shed.Load()
	const agents = 4000
	goodput := l.run(agents, time.Duration(agents/(5*capacity)*float64(time.Second)), phase)
	runtime.ReadMemStats(&after)
	b.ReportMetric(capacity, "capacity/s")
	b.ReportMetric(goodput/capacity, "goodput/capacity")
	b.ReportMetric(float64(l.shed.Load()-shed)/phase.Seconds(), "shed/s")
	b.ReportMetric(float64(after.Sys>>20), "MiB")
	if err := c.Shutdown(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// offeredLoad is many agents.
type offeredLoad struct {
	b       *testing.B
	addr    string
	segment []byte
	next    atomic.Uint64
	stored  atomic.Int64
	shed    atomic.Int64
}

// run lets n agents send a batch each time an interval has passed, or at once when it is 0, and returns how many a second are stored.
func (l *offeredLoad) run(n int, interval, phase time.Duration) float64 {
	before, end := l.stored.Load(), time.Now().Add(phase)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { l.agent(interval*time.Duration(i)/time.Duration(n), interval, end) })
	}
	wg.Wait()
	return float64(l.stored.Load()-before) / phase.Seconds()
}

func (l *offeredLoad) agent(start, interval time.Duration, end time.Time) {
	time.Sleep(start)
	var conn net.Conn
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	in := bufio.NewReader(nil)
	for time.Now().Before(end) {
		sent := time.Now()
		if conn == nil {
			var err error
			if conn, err = net.Dial("tcp", l.addr); err != nil {
				return // the listener's queue is full
			}
			in.Reset(conn)
		}
		resp, err := l.upload(conn, in)
		if err != nil || resp.Close {
			conn.Close()
			conn = nil
		}
		wait := interval - time.Since(sent)
		switch {
		case err != nil:
		case resp.StatusCode == http.StatusAccepted:
			l.stored.Add(1)
		case resp.StatusCode == http.StatusServiceUnavailable:
			l.shed.Add(1)
			seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
			wait = time.Duration(seconds) * time.Second
		}
		time.Sleep(min(wait, time.Until(end)))
	}
}

// upload sends a batch under a new id and reads the answer.
func (l *offeredLoad) upload(conn net.Conn, in *bufio.Reader) (*http.Response, error) {
	id := batchID(0)
	binary.BigEndian.PutUint64(id[4:], l.next.Add(1)*0x9e3779b97f4a7c15)
	request := fmt.Appendf(nil, "%s%s: %s\r\nContent-Length: %d\r\n\r\n", uploadHead, privacy.HeaderBatch, id, len(l.segment))
	request = append(request, l.segment...)
	copy(request[len(request)-len(l.segment)+4:], id[:])
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp, errors.Join(err, resp.Body.Close())
}
