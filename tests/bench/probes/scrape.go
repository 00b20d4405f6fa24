// Package probes measures the prober: scrapes of /probe beside prometheus-blackbox-exporter
// (Debian's), and the sweep of a large fleet on loopback.
package probes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Names of the programs that are scraped.
const (
	Heliograph = "heliograph"
	Blackbox   = "blackbox_exporter"
)

// modules is what both programs probe with.
const modules = "modules: {http_2xx: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4}}}\n"

// Result is what one program did.
type Result struct {
	PerSecond float64       // probes
	CPU       time.Duration // of the program, for each probe
}

// Program is one of the two, running.
type Program struct {
	Name string
	cmd  *exec.Cmd
	addr string
}

// Start starts a program that answers scrapes. heliograph is the path of that binary, dir a
// directory for files.
func Start(ctx context.Context, name, heliograph, dir string) (*Program, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Program{Name: name, addr: l.Addr().String()}
	_ = l.Close()
	file := filepath.Join(dir, "blackbox.yml")
	config := filepath.Join(dir, "heliograph.yaml")
	text := fmt.Sprintf("prober: {modules_file: blackbox.yml, scrape: {listen: %q}}\ndashboard: {listen: \"127.0.0.1:0\"}\noperations: {listen: \"127.0.0.1:0\"}\n", p.addr)
	if err := errors.Join(os.WriteFile(file, []byte(modules), 0o600), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		return nil, err
	}
	p.cmd = exec.CommandContext(ctx, heliograph, "prober", "--config", config)
	if name == Blackbox {
		p.cmd = exec.CommandContext(ctx, "prometheus-blackbox-exporter", "--config.file="+file, "--web.listen-address="+p.addr, "--log.level=error")
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w (make setup installs blackbox_exporter)", name, err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", p.addr)
		if err == nil {
			return p, c.Close()
		}
		if time.Now().After(end) {
			return nil, errors.Join(fmt.Errorf("%s does not listen: %w", name, err), p.Stop())
		}
	}
}

// Stop ends the program.
func (p *Program) Stop() error {
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.cmd.Wait()         // which says that it was killed
	return nil
}

// Load scrapes as a Prometheus does, over kept connections of which each waits for its answer, and
// returns how many probes there were. The target is a server of this process.
func (p *Program) Load(ctx context.Context, connections int, d time.Duration) (r Result, err error) {
	target := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return r, err
	}
	go func() { _ = target.Serve(l) }()
	defer target.Close()
	ask := "http://" + p.addr + "/probe?" + url.Values{"module": {"http_2xx"}, "target": {"http://" + l.Addr().String()}}.Encode()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	limited, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	before, err := p.cpu()
	if err != nil {
		return r, err
	}
	var done, failed atomic.Int64
	var group sync.WaitGroup
	began := time.Now()
	for range connections {
		group.Go(func() {
			for limited.Err() == nil {
				switch ok, err := scrape(limited, client, ask); {
				case limited.Err() != nil:
				case err != nil || !ok:
					failed.Add(1)
				default:
					done.Add(1)
				}
			}
		})
	}
	group.Wait()
	took := time.Since(began)
	after, err := p.cpu()
	switch {
	case err != nil:
		return r, err
	case failed.Load() > 0 || done.Load() == 0:
		return r, fmt.Errorf("%s: %d probes succeeded and %d failed", p.Name, done.Load(), failed.Load())
	}
	return Result{float64(done.Load()) / took.Seconds(), (after - before) / time.Duration(done.Load())}, nil
}

// scrape makes one scrape and reports whether the probe succeeded.
func scrape(ctx context.Context, client *http.Client, ask string) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, ask, nil)
	if err != nil {
		return false, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return strings.Contains(string(body), "\nprobe_success 1\n"), err
}

// cpu returns what the program has used so far, as proc(5) has it.
func (p *Program) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("/proc has no times of the program")
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on all platforms that Go runs on
	var user, system int64
	_, err = fmt.Sscan(fields[11]+" "+fields[12], &user, &system)
	return time.Duration(user+system) * tick, err
}
