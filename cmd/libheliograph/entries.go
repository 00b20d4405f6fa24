//go:build deadcode

package main

// Only C calls the exported functions. The tag deadcode keeps `make check` from reporting them, and
// what they call, as dead code.
func init() {
	hgo_open(nil, nil, nil, 0)
	hgo_observe(0, nil)
	hgo_capture_error(0, nil)
	hgo_sent(0, nil, 0)
	hgo_set_consent(0, 0)
	hgo_flush(0, 0)
	hgo_shutdown(0, 0)
	hgo_get_stats(0, nil)
}
