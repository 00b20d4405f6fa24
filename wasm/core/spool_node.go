//go:build js && wasm && node

package main

import (
	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
)

// openSpool opens the spool in a directory.
func openSpool(dir string) (agent.Spool, error) { return diskspool.Open(dir, diskspool.Options{}) }

// storage says where a spool keeps segments, for stats.
func storage(agent.Spool) string { return "files" }
