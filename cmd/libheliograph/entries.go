//go:build deadcode

package main

// C alone calls the exported functions. `make check` looks for dead code with the tag deadcode, so
// that they and what they call are not taken for it.
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
