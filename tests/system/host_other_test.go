//go:build !linux

package system

import "errors"

func becomeHost() error { return errors.New("hosts of their own are made on Linux only") }
