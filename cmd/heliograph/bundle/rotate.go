package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/internal/yamlx"
)

// The rotation of most keys has two steps, because until all hosts are up to date, some have the
// old key and some the new one. [Operator.Rotate] makes the new key and keeps the old one.
// [Operator.Finish] deletes the old one. In between, bundles have what both keys need.

// rotationsName is the file in which the operator's directory records unfinished rotations.
const rotationsName = "rotations.yaml"

// sealedMost is the longest time for which agents keep sealed reports.
const sealedMost = 30 * 24 * time.Hour

// rotation is an unfinished rotation. The old key may be needed until End.
type rotation struct {
	Key   string    `yaml:"key"`
	Begun time.Time `yaml:"begun"`
	End   time.Time `yaml:"end"`
}

// keyKind is a kind of key that can be rotated.
type keyKind struct {
	name  string
	begin func(o Operator) error
	end   func(o Operator) error

	// how long the old key may be needed; if policies is set, that time begins when the policies
	// that agents may have now have expired
	policies bool
	more     time.Duration
}

// keyKinds are the kinds whose rotation has two steps. For receipt keys, see
// [Operator.RotateReceipt].
var keyKinds = []keyKind{
	{name: "feed", begin: Operator.beginFeed, end: Operator.endFeed},
	{name: "open", begin: Operator.beginOpen, end: Operator.endOpen, policies: true, more: sealedMost},
	{name: "oblivious", begin: Operator.beginOblivious, end: Operator.endOblivious, policies: true},
	{name: "policy", begin: Operator.beginPolicyKey, end: Operator.endPolicyKey, policies: true},
}

func kindOf(name string) (keyKind, error) {
	for _, k := range keyKinds {
		if k.name == name {
			return k, nil
		}
	}
	return keyKind{}, fmt.Errorf("there is no kind of key named %q", name)
}

// Rotate begins the rotation of a key: feed, open, oblivious or policy. It returns the time until
// which the old key may be needed. It fails if an earlier rotation of this key is not finished.
func (o Operator) Rotate(key string, now time.Time) (until time.Time, err error) {
	kind, err := kindOf(key)
	if err != nil {
		return until, err
	}
	all, err := o.rotations()
	if err != nil {
		return until, err
	}
	if i := rotationOf(all, key); i >= 0 {
		return until, fmt.Errorf("the %s key has been in rotation since %s: finish that first", key, all[i].Begun.Format(time.DateOnly))
	}
	until = now
	if kind.policies {
		if until, err = o.expiry(now); err != nil {
			return until, err
		}
	}
	until = until.Add(kind.more).UTC().Truncate(time.Second)
	// It is recorded before anything changes, so that a rotation that was interrupted can be
	// finished.
	if err := o.saveRotations(append(all, rotation{Key: key, Begun: now.UTC().Truncate(time.Second), End: until})); err != nil {
		return until, err
	}
	if err := kind.begin(o); err != nil {
		return until, errors.Join(err, o.saveRotations(all))
	}
	_, err = o.signed()
	return until, err
}

// ErrTooEarly says that an old key may still be needed.
var ErrTooEarly = errors.New("too early to end the old key")

// Finish deletes the old key of a rotation. If the key may still be needed, the error wraps
// [ErrTooEarly], unless atOnce is set, as for a stolen key.
func (o Operator) Finish(key string, atOnce bool, now time.Time) error {
	kind, err := kindOf(key)
	if err != nil {
		return err
	}
	all, err := o.rotations()
	if err != nil {
		return err
	}
	i := rotationOf(all, key)
	if i < 0 {
		return fmt.Errorf("no rotation of the %[1]s key has begun: heliograph rotate %[1]s without --finish begins one", key)
	}
	if now.Before(all[i].End) && !atOnce {
		return fmt.Errorf("%w: it is needed until %s, unless it was stolen", ErrTooEarly, all[i].End.Format(time.DateOnly))
	}
	if err := kind.end(o); err != nil {
		return err
	}
	if _, err := o.signed(); err != nil {
		return err
	}
	return o.saveRotations(append(all[:i:i], all[i+1:]...))
}

// expiry returns when the last policy that agents may have now expires.
func (o Operator) expiry(now time.Time) (time.Time, error) {
	p, err := o.policy() // issued now, so it expires no earlier than the signed one
	if err != nil {
		return now, err
	}
	return time.Unix(p.Expires, 0), nil
}

func rotationOf(all []rotation, key string) int {
	for i := range all {
		if all[i].Key == key {
			return i
		}
	}
	return -1
}

// rotations reads the unfinished rotations. There are none if the file is missing.
func (o Operator) rotations() (all []rotation, err error) {
	text, err := os.ReadFile(o.path(rotationsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = yamlx.Decode(o.path(rotationsName), text, &all)
	}
	return all, err
}

func (o Operator) saveRotations(all []rotation) error {
	if len(all) == 0 {
		err := os.Remove(o.path(rotationsName))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	}
	text, err := yaml.Marshal(all)
	if err != nil {
		return fmt.Errorf("writing %s: %w", rotationsName, err)
	}
	const head = "# Keys in rotation: old ones end with heliograph rotate KEY --finish, when nobody needs them any more.\n"
	return replace(o.path(rotationsName), append([]byte(head), text...), 0o644)
}

// exists reports whether the directory has a file.
func (o Operator) exists(name string) bool {
	_, err := os.Stat(o.path(name))
	return err == nil
}

// move renames files of the directory. It passes over files that were moved before a crash.
func (o Operator) move(names ...[2]string) error {
	for _, n := range names {
		if err := os.Rename(o.path(n[0]), o.path(n[1])); err != nil && !(errors.Is(err, fs.ErrNotExist) && o.exists(n[1])) {
			return err
		}
	}
	return nil
}

// destroy removes files of the directory.
func (o Operator) destroy(names ...string) error {
	var errs []error
	for _, n := range names {
		if err := os.Remove(o.path(n)); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
