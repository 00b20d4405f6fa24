package natsgroup

// cacheBytes is how much of others' pages is kept until it is needed. Members that share a feed
// are near each other, so there are no more than a few MiB. What is dropped is opened again.
const cacheBytes = 32 << 20

// cache keeps what others found in segments, the newest of it. Each entry is taken once.
type cache struct {
	entries map[digest]entry
	order   []digest // as they came; some may be taken
	bytes   int      // of all in order
	sizes   []int    // of each in order
}

// put adds an entry and returns how many were dropped for it.
func (c *cache) put(e entry) (dropped int) {
	if _, has := c.entries[e.of]; has {
		return 0
	}
	if c.entries == nil {
		c.entries = map[digest]entry{}
	}
	c.entries[e.of] = e
	c.order, c.sizes = append(c.order, e.of), append(c.sizes, e.size())
	c.bytes += e.size()
	for c.bytes > cacheBytes {
		if _, waits := c.entries[c.order[0]]; waits {
			delete(c.entries, c.order[0])
			dropped++
		}
		c.bytes -= c.sizes[0]
		c.order, c.sizes = c.order[1:], c.sizes[1:]
	}
	return dropped
}

// take returns an entry and removes it.
func (c *cache) take(of digest) (e entry, ok bool) {
	e, ok = c.entries[of]
	delete(c.entries, of)
	return e, ok
}
