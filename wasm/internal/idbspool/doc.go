// Package idbspool keeps an agent's sealed segments in a browser's IndexedDB, which all tabs and
// workers of an origin share. Most readers need Open. Without IndexedDB, as in some private
// windows, and when nothing can be stored because the browser's quota is used up by others, it
// keeps them in memory, within the same bounds.
//
// The database, version 1, has three object stores:
//
//	segments  batch id → one line per segment, see row
//	chunks    [batch id, n] → what the n-th Append stored; together, to the byte the upload
//	state     name → a blob of state; a purge of the spool leaves "notice"
//
// Every operation is one transaction over all three, so none sees another half done, and an Append
// is there whole or not at all, whenever a tab dies. Therefore any tab may finish any segment: its
// writer's next Append fails then, and the agent goes on in a fresh one. To keep that rare, tabs
// leave alone what was appended to within the last seconds. No lock is held for a writer's
// lifetime, because a page whose worker holds a Web Lock cannot go into the back/forward cache.
package idbspool
