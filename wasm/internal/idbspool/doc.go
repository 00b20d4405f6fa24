// Package idbspool keeps an agent's sealed segments in a browser's IndexedDB, which all tabs and
// workers of an origin share. Start with [Open]. If there is no IndexedDB, as in some private
// windows, or if the browser's quota is used up by others, the package keeps segments in memory,
// within the same limits.
//
// The database, version 1, has three object stores:
//
//	segments  batch id → one line per segment, see row
//	chunks    [batch id, n] → what the n-th Append stored; together, to the byte the upload
//	state     name → a blob of state; a purge of the spool leaves "notice"
//
// Every operation is one transaction over all three stores. So operations are atomic, and an Append
// is stored whole or not at all, whenever a tab dies. Therefore any tab may finish any segment. The
// next Append of the segment's writer then fails, and its agent starts a new segment. To keep this
// rare, tabs do not finish segments that were appended to within the last seconds. Writers do not
// hold a lock for their lifetime, because a page whose worker holds a Web Lock cannot enter the
// back/forward cache.
package idbspool
