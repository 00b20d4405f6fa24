package ingest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// child is a server's process.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	addr  string
}

// startChild runs a command that says its address on its first line and ends when its standard
// input does.
func startChild(ctx context.Context, cmd *exec.Cmd) (*child, error) {
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s did not start: %w", cmd.Path, c.stop())
	}
	c.addr = strings.TrimSpace(line)
	return c, ctx.Err()
}

// stop ends the process in good order, or kills it when that takes too long.
func (c *child) stop() error {
	_ = c.stdin.Close()
	timer := time.AfterFunc(30*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer timer.Stop()
	return c.cmd.Wait()
}

// tick is the kernel's unit of CPU time in /proc, on every Linux that Go supports.
const tick = 10 * time.Millisecond

// cpu is what the process has used so far.
func (c *child) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
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
