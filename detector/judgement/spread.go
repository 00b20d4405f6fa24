package judgement

// spreadBins is the number of bins over which the spread of counts is measured: a minute in the
// defaults, as long as a bad connection bothers a client.
const spreadBins = 6

// spread is by how much the counts of an attribute's values vary beyond chance, learned from bins
// that were judged calm. Failures come in clusters, since one client has several of them, and the
// rate of a value varies from one minute to the next. The first makes the variance a multiple of
// the mean e, the second adds a multiple of e²: variance = cluster·e + noise·e².
type spread struct {
	small struct{ squares, sum float64 }   // of windows with small e
	large struct{ excess, weight float64 } // of windows with large e
}

// What is assumed at the start, and its weight: rates that often double or halve from one minute to
// the next, until calm shows that they do not.
const (
	clusterPrior, clusterWeight = 1.5, 50   // weight in expected failures
	noisePrior, noiseWeight     = 0.25, 200 // weight as of windows
	// most that one window says, as a multiple of the mean's square
	spreadClip = 16
	spreadMost = 10_000 // weight remembered
	smallCount = 1.0    // a count below it is small
	largeCount = 2.0    // a count above it is large
	windowMost = 5      // a window weighs as much as the square of its mean, up to this
	noiseLeast = 0.003  // no rate is steadier than to 5 %
	noiseFresh = 0.5    // nor known to be steadier than that at a cold start
)

// add takes a window with x failures where e are expected and cluster come together.
func (s *spread) add(x, e, cluster float64) {
	d := (x - e) * (x - e)
	switch {
	case e <= 0:
	case e < smallCount:
		s.small.squares += min(d, spreadClip)
		s.small.sum += e
		if s.small.sum > spreadMost {
			s.small.squares /= 2
			s.small.sum /= 2
		}
	case e > largeCount:
		weight := min(e, windowMost)
		weight *= weight
		s.large.excess += weight * min((d-cluster*e)/(e*e), spreadClip)
		s.large.weight += weight
		if s.large.weight > spreadMost {
			s.large.excess /= 2
			s.large.weight /= 2
		}
	}
}

// addEmpty takes windows without failures at once.
func (s *spread) addEmpty(windows, e float64) {
	if e > 0 && e < smallCount {
		s.small.squares += windows * e * e
		s.small.sum += windows * e
	}
}

func (s *spread) cluster() float64 {
	return max(1, (clusterPrior*clusterWeight+s.small.squares)/(clusterWeight+s.small.sum))
}

func (s *spread) noise() float64 {
	return max(noiseLeast, (noisePrior*noiseWeight+s.large.excess)/(noiseWeight+s.large.weight))
}

// clusters is how many failures of one source come together. A source that counts for k failures in
// the time of the longest window adds k to what is expected and k² to the variance (a compound
// Poisson process), so the variance is a multiple of the mean: the mean of k², over that of k.
type clusters struct{ squares, sum float64 }

const (
	// what is assumed at the start, and its weight in failures
	togetherPrior, togetherWeight = 1.5, 50
	// a source that counts for more says no more about others, and the most that is believed, so
	// that nobody can make the detector deaf
	togetherMost = 5
	clustersMost = 5000 // failures remembered
)

// add takes n failures of a source that counted for some before.
func (c *clusters) add(before, n int) {
	k := min(before+n, 2*togetherMost)
	before = min(before, 2*togetherMost)
	c.squares += float64(k*k - before*before)
	c.sum += float64(n)
	if c.sum > clustersMost {
		c.squares, c.sum = c.squares/2, c.sum/2
	}
}

func (c *clusters) mean() float64 {
	return min((togetherPrior*togetherWeight+c.squares)/(togetherWeight+c.sum), togetherMost)
}
