package ingest

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// memory is what the process has resident, in bytes.
func (c *child) memory() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	var kb int64
	if _, err := fmt.Sscanf(rest, "%d kB", &kb); err != nil {
		return 0
	}
	return kb << 10
}

// memorySamples is how often a process is looked at while a load lasts. Each look takes time that
// both sides lack.
const memorySamples = 50

// watchMemory looks at a process from now on, for the time that a load lasts. What it returns ends
// that, and tells the most that was resident in the first fifth of the time and after it.
func watchMemory(c *child, lasts time.Duration) (most func() (early, late int64)) {
	start, stop, done := time.Now(), make(chan struct{}), make(chan struct{})
	var early, late int64 // owned by the goroutine until done
	go func() {
		defer close(done)
		tick := time.NewTicker(max(lasts/memorySamples, 50*time.Millisecond))
		defer tick.Stop()
		for {
			if time.Since(start) < lasts/5 {
				early = max(early, c.memory())
			} else {
				late = max(late, c.memory())
			}
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	return func() (int64, int64) {
		close(stop)
		<-done
		return early, late
	}
}
