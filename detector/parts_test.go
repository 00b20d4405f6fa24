package detector_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// parts returns how each part fares, in order: "collector c1 fails".
func (b *bench) parts() string {
	b.Helper()
	synctest.Wait()
	var all []string
	for _, p := range b.det.Parts() {
		if (p.Text == "") != (p.State == "works") {
			b.Errorf("%s %s is %s, and its text %q", p.Kind, p.Name, p.State, p.Text)
		}
		all = append(all, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s", p.Kind, p.Name, p.State)), " "))
	}
	return strings.Join(all, ", ")
}

func TestPartsOfFeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, feeds := start2(t)
		defer func() { b.stop() }()
		time.Sleep(2 * time.Minute)
		if got, want := b.parts(), "detector works, collector c1 works, collector c2 works"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		refused := errors.New("connection refused")
		feeds[1].err.Store(&refused)
		time.Sleep(5 * time.Minute)
		if got, want := b.parts(), "detector works, collector c1 works, collector c2 fails"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

func TestPartsOfVantages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, path: filepath.Join(t.TempDir(), "store.db"), inbox: newInbox(), watched: []string{"v1", "v2"}}
		b.start()
		defer func() { b.stop() }()
		for range 40 {
			b.put(64500, report.Delivery{}, proberHeader, probed("v1"))
			time.Sleep(30 * time.Second)
		}
		if got, want := b.parts(), "detector works, collector c1 works, vantage v1 works, vantage v2 fails"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		for range 40 {
			time.Sleep(30 * time.Second)
		}
		if got, want := b.parts(), "vantage v1 fails, vantage v2 fails"; !strings.HasSuffix(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
