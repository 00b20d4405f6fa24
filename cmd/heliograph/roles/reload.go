package roles

import (
	"context"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"time"
)

// lookEvery is the time between two checks of files that may be replaced while the process runs.
const lookEvery = 10 * time.Second

// reloads reads the configuration again on SIGHUP and applies it to every part of the process. If
// something is wrong, what was in use stays in use. Once run has begun, only its goroutine
// uses reloads.
type reloads struct {
	log     *slog.Logger
	report  *reloadReport
	hangup  <-chan os.Signal
	load    func() (*Config, error) // reads the configuration again
	current *Config                 // the newest that could be read
	parts   []reloadable
	watched []*watchedFile
	fixed   []fixedSetting
}

// reloadable is a part of a process that can apply a changed configuration. It returns, as
// arguments of a log line, what it has now. With an error, it keeps what it had.
type reloadable struct {
	what   string
	reload func(*Config) (says []any, err error)
}

// watchedFile is a file whose change reloads a part without SIGHUP.
type watchedFile struct {
	what string
	path func(*Config) string
	part string
	seen time.Time
}

// fixedSetting is a setting that stays what it was when the process started.
type fixedSetting struct {
	key   string
	value func(*Config) any
	start any
}

// add adds a part. Parts are reloaded in the order in which they were added.
func (r *reloads) add(what string, reload func(*Config) ([]any, error)) {
	r.report.loaded(what)
	r.parts = append(r.parts, reloadable{what, reload})
}

// addLog adds the log's file. reopen may be nil.
func (r *reloads) addLog(reopen func() error) {
	if reopen != nil {
		r.add("log", func(*Config) ([]any, error) { return nil, reopen() })
	}
}

// watch makes a part reload when a file that the configuration names has changed.
func (r *reloads) watch(what string, path func(*Config) string, part string) {
	r.watched = append(r.watched, &watchedFile{what, path, part, modified(path(r.current))})
}

// fix declares settings, by their keys, whose changes require a restart. All other settings take
// effect at a reload. It must be called before run.
func (r *reloads) fix(values map[string]func(*Config) any) {
	for key, value := range values {
		r.fixed = append(r.fixed, fixedSetting{key, value, value(r.current)})
	}
}

// changed returns the keys of the changed settings that require a restart, sorted.
func (r *reloads) changed(next *Config) (keys []string) {
	for _, f := range r.fixed {
		if !reflect.DeepEqual(f.value(next), f.start) {
			keys = append(keys, f.key)
		}
	}
	slices.Sort(keys)
	return keys
}

// run works until ctx ends.
func (r *reloads) run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			r.look()
		case <-r.hangup:
			r.all()
		}
	}
}

// all reads the configuration and reloads every part, even if some of them fail.
func (r *reloads) all() {
	next, err := r.load()
	if err != nil {
		r.report.tell("configuration", nil, err)
		return
	}
	r.report.tell("configuration", nil, nil)
	r.current = next
	if keys := r.changed(next); len(keys) > 0 {
		r.log.Warn("these settings have changed and take a restart", "keys", keys)
	}
	for _, p := range r.parts {
		says, err := p.reload(next)
		r.report.tell(p.what, says, err)
	}
	for _, w := range r.watched {
		w.seen = modified(w.path(next))
	}
}

// look reloads the parts whose files have changed.
func (r *reloads) look() {
	for _, w := range r.watched {
		now := modified(w.path(r.current))
		if now.Equal(w.seen) {
			continue
		}
		w.seen = now
		for _, p := range r.parts {
			if p.what == w.part {
				says, err := p.reload(r.current)
				r.report.tell(w.what, says, err)
			}
		}
	}
}

// modified returns the modification time of a file, or zero if the file does not exist.
func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
