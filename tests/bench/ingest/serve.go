package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/internal/httpserve"
	"github.com/heliograph-net/heliograph/internal/nettable"
)

// The servers that Serve knows.
const (
	Floor      = "floor"      // net/http: reads the body and answers
	Heliograph = "heliograph" // our collector with its SQLite inbox
	Drained    = "drained"    // the same, with a detector that reads and acknowledges everything
)

const (
	inboxName = "inbox.db"
	reader    = "detector" // of a drained inbox
)

// Serve is the child process: it serves in dir until its standard input ends, and says its address
// on its standard output. profile, if not empty, is where a profile of its CPU is written.
func Serve(server, dir, profile string, t Transport) error {
	secure, err := t.serverTLS()
	if err != nil {
		return err
	}
	switch server {
	case Floor:
		return serveFloor(profile, secure)
	case Heliograph, Drained:
		return serveHeliograph(dir, profile, secure, server == Drained)
	default:
		return fmt.Errorf("no server %q", server)
	}
}

// serveFloor is net/http without anything that could be left out.
func serveFloor(profile string, secure *tls.Config) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: http.HandlerFunc(floor), TLSConfig: secure}
	go func() {
		if secure != nil {
			_ = s.ServeTLS(ln, "", "")
		} else {
			_ = s.Serve(ln)
		}
	}()
	if err := untilStdinEnds(ln.Addr().String(), profile); err != nil {
		return err
	}
	return s.Close()
}

// floor is the least that a server over HTTP can do with an upload.
func floor(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, _ = w.Write([]byte("ok"))
}

// serveHeliograph is a collector as the binary runs it: a listener with every timeout, metrics, a
// network table.
func serveHeliograph(dir, profile string, secure *tls.Config, drained bool) error {
	inbox, err := sqliteinbox.Open(filepath.Join(dir, inboxName), sqliteinbox.Options{})
	if err != nil {
		return err
	}
	networks, err := nettable.Load(strings.NewReader("127.0.0.0\t127.255.255.255\t64501\tDE\tLoopback\n"))
	if err != nil {
		return err
	}
	settings := collector.Settings{ReceiptKey: receiptKey, Networks: networks}
	if drained {
		settings.LocalReaders = []string{reader}
	}
	c, err := collector.New(collector.Options{
		ID: "c1", Inbox: inbox, Metrics: prometheus.NewRegistry(), Settings: settings,
	})
	if err != nil {
		return err
	}
	stopCollector, stopReading := background(c.Run), func() error { return nil }
	if drained {
		stopReading = background(func(ctx context.Context) error { return read(ctx, inbox) })
	}
	s, err := httpserve.New(httpserve.Options{
		Name: "collector", Listen: "127.0.0.1:0", Handler: c.Handler(), TLS: secure, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	stopServing := background(s.Run)
	if err := untilStdinEnds(s.Addr(), profile); err != nil {
		return err
	}
	return errors.Join(stopCollector(), stopServing(), stopReading(), inbox.Close())
}

// background runs work until stop is called.
func background(work func(context.Context) error) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	return func() error {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
}

// read is a detector: it reads everything and acknowledges what it has read, so that the inbox
// stays of one size however long the load lasts.
func read(ctx context.Context, inbox *sqliteinbox.Inbox) error {
	const page = 1000
	var cursor uint64
	for {
		changed := inbox.Changed()
		batches, err := inbox.Read(ctx, cursor, page)
		if err != nil {
			return err
		}
		if len(batches) == 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
			}
			continue
		}
		cursor = batches[len(batches)-1].Seq
		if err := inbox.Ack(ctx, reader, cursor); err != nil {
			return err
		}
	}
}

func untilStdinEnds(addr, profile string) error {
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	fmt.Println(addr)
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}
