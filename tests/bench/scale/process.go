package scale

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a running heliograph.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// launch starts a role and waits until its operations listener says that it is ready.
func (s *stage) launch(ctx context.Context, role, operations string) (*process, error) {
	cmd := exec.Command(s.binary, role, "--config", s.path("d/"+role+".yaml"))
	log, err := os.Create(s.path(role + ".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd, make(chan struct{})}
	go func() { _ = cmd.Wait(); close(p.done) }()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if err = answers(ctx, "http://"+operations+"/health/ready"); err == nil {
			return p, nil
		}
		select {
		case <-p.done:
			err = errors.New("it has ended")
		default:
			if ctx.Err() == nil && time.Now().Before(deadline) {
				continue
			}
		}
		text, _ := os.ReadFile(log.Name())
		p.stop()
		return nil, fmt.Errorf("heliograph %s: %w\n%s", role, err, text)
	}
}

// stop ends the process in good order, or kills it when that takes too long.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// tick is the kernel's unit of CPU time in /proc, on every Linux that Go supports.
const tick = 10 * time.Millisecond

// cpu is what the process has used so far.
func (p *process) cpu() time.Duration { return cpuOf(p.cmd.Process.Pid) }

func cpuOf(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// behind the command's name, which may have spaces
	_, fields, _ := strings.Cut(string(stat), ") ")
	var user, system int64
	if f := strings.Fields(fields); len(f) > 12 {
		user, _ = strconv.ParseInt(f[11], 10, 64)
		system, _ = strconv.ParseInt(f[12], 10, 64)
	}
	return time.Duration(user+system) * tick
}

// memory is the most that the process had resident, in bytes.
func (p *process) memory() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10
}

var client = &http.Client{Timeout: 10 * time.Second}

func get(ctx context.Context, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("%s answered %s", url, resp.Status)
	}
	return resp, nil
}

func answers(ctx context.Context, url string) error {
	resp, err := get(ctx, url)
	if err == nil {
		resp.Body.Close()
	}
	return err
}

// metric is the sum of a metric over its labels.
func metric(ctx context.Context, url, name string) (sum float64, err error) {
	resp, err := get(ctx, url)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		line := lines.Text()
		if rest, ok := strings.CutPrefix(line, name); ok && (rest[0] == '{' || rest[0] == ' ') {
			value, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", line, err)
			}
			sum += value
		}
	}
	return sum, lines.Err()
}
