package roles

import (
	"log/slog"
	"time"
)

// slowEvery is the time between two lines of the log about a file that is still being opened.
const slowEvery = 5 * time.Second

// slowly opens a file, and logs now and then that this still goes on: until it is done, nothing
// listens that could be asked. Large files of an older release take minutes.
func slowly(log *slog.Logger, key string, open func() error) error {
	began := time.Now()
	ended := make(chan struct{})
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		ticker := time.NewTicker(slowEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ended:
				return
			case now := <-ticker.C:
				log.Info("still opening a file: it is checked, and upgraded if an older release has written it", "key", key, "elapsed", now.Sub(began).Round(time.Second).String())
			}
		}
	}()
	defer func() { close(ended); <-logged }()
	return open()
}
