//go:build !unix

package replay

import (
	"runtime/metrics"
	"time"
)

// usage is the CPU time that the Go program has taken, and the memory that it has from the system
// now, since no peak is kept here.
func usage() (cpu time.Duration, peak int64) {
	all := []metrics.Sample{{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/memory/classes/total:bytes"}}
	metrics.Read(all)
	return time.Duration(all[0].Value.Float64() * float64(time.Second)), int64(all[1].Value.Uint64())
}
