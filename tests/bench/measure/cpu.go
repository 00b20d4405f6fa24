// Package measure has what the benchmarks measure with.
package measure

import (
	"math"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// CPUMetric is the name of the metric that a Meter reports: CPU time of the whole process per
// operation, the kernel's work for it and the garbage collector's included. On a machine that does
// other things as well it says more than the time that went by.
const CPUMetric = "cpu-ns/op"

// LeastMetric is the name of the metric of [Each]: time of the fastest operation. What else the
// machine does makes operations slower, and some are left alone.
const LeastMetric = "least-ns"

// Each does an operation that takes a millisecond or more in a benchmark's loop, with a Meter, and
// reports the fastest.
func Each(b *testing.B, do func()) {
	m, least := Start(b), time.Duration(math.MaxInt64)
	for b.Loop() {
		start := time.Now()
		do()
		least = min(least, time.Since(start))
	}
	m.End()
	b.ReportMetric(float64(least), LeastMetric)
}

// Meter measures CPU time, but for what happens in Without.
type Meter struct {
	b      *testing.B
	start  time.Duration
	paused time.Duration
}

// ballast is never touched, so that it takes no memory; but the garbage collector sees a heap of
// 64 MiB, as an ordinary program has, and runs as seldom as there. With nothing but a benchmark in
// it, it would run after every few thousand operations.
var ballast = sync.OnceValue(func() []byte { return make([]byte, 64<<20) })

// Start is called right before a benchmark's loop; End after it. It also has allocations reported.
func Start(b *testing.B) *Meter {
	b.ReportAllocs()
	runtime.KeepAlive(ballast())
	return &Meter{b: b, start: CPU()}
}

// Without runs f outside of all measurements.
func (m *Meter) Without(f func()) {
	// StopTimer and StartTimer are costly themselves: they read the memory statistics
	start := CPU()
	m.b.StopTimer()
	f()
	m.b.StartTimer()
	m.paused += CPU() - start
}

// End reports the metric.
func (m *Meter) End() {
	m.b.ReportMetric(float64(CPU()-m.start-m.paused)/float64(m.b.N), CPUMetric)
}

// CPU is what this process has used so far, in user and in system mode.
func CPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // cannot happen with a valid pointer
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
