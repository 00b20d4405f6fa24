//go:build !linux

// Package netns gives tests networks of their own. There are such on Linux only; elsewhere tests
// share the machine's.
package netns

import "testing"

// Own returns true: the test is to run here.
func Own(*testing.T, ...string) bool { return true }
