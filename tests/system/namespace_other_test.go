//go:build !linux

package system

import (
	"errors"
	"testing"
)

const (
	binaryEnv = "HELIOGRAPH_TEST_BINARY"
	hostEnv   = "HELIOGRAPH_TEST_HOST"
)

// ownNetwork makes a network only on Linux; elsewhere tests share the machine's.
func ownNetwork(*testing.T) bool { return true }

func becomeHost() error { return errors.New("hosts of their own are made on Linux only") }
