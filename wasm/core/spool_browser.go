//go:build js && wasm && !node

package main

import (
	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/wasm/internal/idbspool"
)

// openSpool opens the spool in the IndexedDB database with that name.
func openSpool(name string) (agent.Spool, error) { return idbspool.Open(name, idbspool.Options{}) }

// storage says where a spool keeps segments, for stats.
func storage(spool agent.Spool) string {
	if s, ok := spool.(*idbspool.Spool); ok && s.Persistent() {
		return "indexeddb"
	}
	return "memory"
}
