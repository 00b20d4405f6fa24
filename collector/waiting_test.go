package collector

import (
	"testing"
	"testing/synctest"
	"time"
)

// Uploads expire in the order of their coming, each after the limit, unless they were removed.
func TestUploadsWaitForTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		expired := map[*upload]time.Duration{}
		w := newWaiting(5*time.Second, func(u *upload) { expired[u] = time.Since(start) })
		var all []*upload
		add := func() *upload {
			u := &upload{queued: time.Now()}
			if !w.add(u) {
				t.Fatal("an upload was not added")
			}
			all = append(all, u)
			return u
		}
		for range 4 {
			add()
			time.Sleep(time.Second)
		}
		w.remove(all[1])
		time.Sleep(10 * time.Second)
		late := add() // the timer had stopped
		w.remove(all[3])
		time.Sleep(time.Minute)
		synctest.Wait()
		for n, want := range []time.Duration{5 * time.Second, 0, 7 * time.Second, 8 * time.Second, 19 * time.Second} {
			if got := expired[all[n]]; got != want {
				t.Errorf("upload %d expired after %v, want %v", n, got, want)
			}
		}
		if all[1].late || !all[3].late || late.late {
			t.Error("only the upload that was removed after it had expired is late")
		}
	})
}

func TestGivingUpExpiresAllUploads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		w := newWaiting(time.Hour, func(*upload) { n++ })
		for range 3 {
			w.add(&upload{queued: time.Now()})
		}
		if w.giveUp(); n != 3 {
			t.Errorf("%d of 3 uploads expired", n)
		}
		if w.add(&upload{queued: time.Now()}) {
			t.Error("an upload was added after that")
		}
	})
}
