package history

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
)

func TestRecorderAddsAFrameEachMinute(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l, err := Open(Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		began := time.Now()
		m := heatmap.NewMap(topologyOf(t, nil))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			l.Record(ctx, m, time.Minute, func(err error) { t.Error(err) })
		}()
		time.Sleep(90 * time.Second) // nothing to show yet
		m.Replace(topologyOf(t, servers(4)))
		m.Set(1, heatmap.Down, time.Now())
		time.Sleep(time.Minute)
		m.Set(1, heatmap.Up, time.Now())
		time.Sleep(5 * time.Second)
		cancel()
		<-done
		first, last, ok, err := l.Bounds()
		if !ok || err != nil || first.Sub(began) != 2*time.Minute || last.Sub(began) != 155*time.Second {
			t.Errorf("frames from %v to %v, %v, %v", first, last, ok, err)
		}
		for at, want := range map[time.Duration]heatmap.State{2 * time.Minute: heatmap.Down, 154 * time.Second: heatmap.Down, 155 * time.Second: heatmap.Up} {
			if s, err := l.At(began.Add(at)); err != nil || s.State(1) != want {
				t.Errorf("after %v: %v, %v; want %v", at, s.State(1), err, want)
			}
		}
	})
}
