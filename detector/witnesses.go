package detector

import (
	"sync"

	"github.com/heliograph-net/heliograph/model"
)

// maxWitnesses is how many results of probes wait for the judge. It needs the newest only.
const maxWitnesses = 16_384

// witnesses are the results of probes that the judge was not given yet. It is safe for
// concurrent use.
type witnesses struct {
	mu  sync.Mutex
	all []model.ProbeResult // guarded by mu
}

func (w *witnesses) add(results []model.ProbeResult) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, results...)
	if n := len(w.all); n > maxWitnesses {
		w.all = append([]model.ProbeResult(nil), w.all[n-maxWitnesses:]...)
	}
}

func (w *witnesses) take() []model.ProbeResult {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.all
	w.all = nil
	return all
}
