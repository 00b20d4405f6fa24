//go:build !unix

package replay

import (
	"runtime/metrics"
	"time"
)

// usage returns the CPU time that the Go runtime has counted, and the memory, in bytes, that it has
// from the system now, because this system does not tell the peak.
func usage() (cpu time.Duration, peak int64) {
	all := []metrics.Sample{{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/memory/classes/total:bytes"}}
	metrics.Read(all)
	return time.Duration(all[0].Value.Float64() * float64(time.Second)), int64(all[1].Value.Uint64())
}
