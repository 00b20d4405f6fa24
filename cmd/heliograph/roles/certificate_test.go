package roles

import (
	"errors"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/ops"
)

func TestCertificateDecidesReadiness(t *testing.T) {
	now := time.Date(2030, 6, 1, 0, 0, 0, 0, time.UTC)
	away := errors.New("the authority is away")
	c := &certificate{err: away}
	check := func(when string, ready, warned bool) {
		t.Helper()
		err := c.check(now)
		_, warning := errors.AsType[ops.Warning](err)
		if warning != warned || (err == nil || warning) != ready {
			t.Errorf("%s: %v", when, err)
		}
	}
	check("there is none", false, false)
	c.set(now.Add(90*24*time.Hour), nil)
	check("there is one", true, false)
	c.set(time.Time{}, away)
	check("the authority is away, and there is one still", true, false)
	c.set(now.Add(certificateSoon-time.Hour), nil)
	check("it ends soon", true, true)
	c.set(now, nil)
	check("it has ended", false, false)
}
