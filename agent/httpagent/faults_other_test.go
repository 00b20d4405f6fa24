//go:build !linux

package httpagent_test

// connectFaults needs a listener with a full queue, which only Linux makes as the test wants it.
func connectFaults() []fault { return nil }
