//go:build !linux

// Package netns gives tests networks of their own. It can do so only on Linux. On other systems,
// tests use the machine's network.
package netns

import "testing"

// Own returns true: the test is to run here.
func Own(*testing.T, ...string) bool { return true }
