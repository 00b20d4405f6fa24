package ingest

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

// Subject is a server under one kind of load.
type Subject struct {
	Server    string    // Floor, Heliograph, Drained or OTelCol
	Counters  int       // that one request carries
	Transport Transport // "": Plain
	Profile   string    // where to write a profile of the server's CPU; "": nowhere
}

func (s Subject) ours() bool { return s.Server == Heliograph || s.Server == Drained }

// Result is what came out.
type Result struct {
	Figures
	EarlyMemory  int64         // most bytes resident in the first fifth of the load
	Memory       int64         // most bytes resident after that
	CPU          time.Duration // of the server per request
	LoadCPU      time.Duration // of the load generator per request
	DiskBytes    float64       // per request, what the server left in its directory
	RequestBytes int           // of a body
}

// Run starts a server in a fresh directory below base, puts the load on it, stops it and checks
// that it has what it said it has.
func Run(ctx context.Context, base string, s Subject, l Load) (r Result, err error) {
	dir, err := os.MkdirTemp(base, s.Server+"-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	payload, check, err := s.payload()
	if err != nil {
		return r, err
	}
	r.RequestBytes = payload.Bytes
	first, err := s.head(ctx, dir)
	if err != nil {
		return r, err
	}
	cmd, err := s.command(ctx, dir)
	if err != nil {
		return r, err
	}
	l.Transport = s.Transport
	if err := r.under(ctx, cmd, payload, check, l); err != nil {
		return r, fmt.Errorf("%s: %w", s.Server, err)
	}
	r.DiskBytes = float64(diskUsage(dir)) / float64(r.Accepted)
	last, err := s.head(ctx, dir)
	if has := int64(last - first); err == nil && s.ours() && has < r.Accepted {
		err = fmt.Errorf("the collector gave %d receipts and has stored %d batches", r.Accepted, has)
	}
	return r, err
}

// under runs the server's process under the load.
func (r *Result) under(ctx context.Context, cmd *exec.Cmd, p *Payload, check func([]byte) error, l Load) error {
	c, err := startChild(ctx, cmd)
	if err != nil {
		return err
	}
	memory := watchMemory(c, l.Warm+l.Duration)
	before, loadBefore := c.cpu(), measure.CPU()
	r.Figures, err = l.apply(ctx, c.addr, p, check)
	r.EarlyMemory, r.Memory = memory()
	used, loadUsed := c.cpu()-before, measure.CPU()-loadBefore
	if stopErr := c.stop(); err == nil {
		err = stopErr
	}
	if err == nil {
		r.CPU, r.LoadCPU = used/time.Duration(r.Accepted), loadUsed/time.Duration(r.Accepted)
	}
	return err
}

// head is the newest sequence number of our inbox in dir, which it makes if there is none; 0 for
// other servers.
func (s Subject) head(ctx context.Context, dir string) (uint64, error) {
	if !s.ours() {
		return 0, nil
	}
	inbox, err := sqliteinbox.Open(filepath.Join(dir, inboxName), sqliteinbox.Options{})
	if err != nil {
		return 0, err
	}
	defer inbox.Close()
	stats, err := inbox.Stats(ctx)
	return stats.Head, err
}

func (s Subject) payload() (*Payload, func([]byte) error, error) {
	if s.Server == OTelCol {
		return otlpPayload(s.Counters), nil, nil
	}
	p, err := segmentPayload(s.Counters)
	if s.ours() {
		return p, checkReceipt, err
	}
	return p, nil, err
}

func (s Subject) command(ctx context.Context, dir string) (*exec.Cmd, error) {
	if s.Server == OTelCol {
		return otelcolCommand(ctx, dir)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, self, "serve", s.Server, dir, s.Profile, string(cmp.Or(s.Transport, Plain))), nil
}

func diskUsage(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil
	})
	return n
}
