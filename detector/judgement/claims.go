package judgement

import "math"

const maxClaims = 100_000

// claims are the requests that each source was believed in a block of bins, so that one machine
// cannot make up those of its whole network. The zero value is ready.
type claims struct {
	block int64
	by    table[float64]
}

// take returns how many of n requests of a source are believed, of which it may claim so many at
// most in a block of bins. What comes late for an older block counts in the newest.
func (c *claims) take(pop uint16, who source, block int64, n, most float64) float64 {
	if block > c.block {
		c.by.clear()
		c.block = block
	}
	key := mix(uint64(pop), who.number())
	at := c.by.find(key)
	if at == nil {
		if c.by.len() >= maxClaims {
			return min(n, most)
		}
		at = c.by.add(key)
	}
	n = min(n, max(most-*at, 0))
	*at += n
	return n
}

func numbersOfClaim(n *float64, to []uint64) []uint64 { return append(to, math.Float64bits(*n)) }

func claimOf(numbers []uint64) float64 { return math.Float64frombits(numbers[0]) }
