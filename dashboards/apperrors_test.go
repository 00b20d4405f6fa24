package dashboards

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// causeReader notes what is asked of it.
type causeReader struct {
	*fakeReader
	asked model.FingerprintQuery
}

func (r *causeReader) Fingerprints(_ context.Context, q model.FingerprintQuery) ([]model.Fingerprint, error) {
	r.asked = q
	return nil, nil
}

// Causes of errors are asked for in the same terms of time as everything else, and one by one.
func TestErrorsOfATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &causeReader{fakeReader: &fakeReader{}}
		_, client, stop := virtual(t, Options{Reader: r})
		defer stop()
		get(t, client, "/errors?since=1h&until=30m&fingerprint=07000000000000000000000000000000")
		until := time.Now().Add(-30 * time.Minute)
		if q := r.asked; !q.Until.Equal(until) || !q.Since.Equal(until.Add(-time.Hour)) || q.Fingerprint != [16]byte{7} {
			t.Errorf("%+v", q)
		}
		get(t, client, "/errors")
		if q := r.asked; !q.Until.IsZero() || !q.Since.Equal(time.Now().Add(-errorsSince)) || q.Fingerprint != [16]byte{} {
			t.Errorf("by default %+v", q)
		}
	})
}
