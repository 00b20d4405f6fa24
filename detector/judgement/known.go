package judgement

import "slices"

// Open returns the incidents that are open, as they were told last, by their IDs.
func (j *Judge) Open() []Incident {
	var all []Incident
	for _, i := range j.incidents {
		if i.open() && i.told.ID != 0 && i.told.Until == 0 {
			all = append(all, i.told)
		}
	}
	slices.SortFunc(all, func(a, b Incident) int { return int(a.ID - b.ID) })
	return all
}

// presentMost bounds the work of Present, which reads the failures of the last minutes once for
// each incident.
const presentMost = 50

// Present returns the incidents of Open with the figures of now: failures, requests, severity, who
// is hit, and the evidence. What they are told to be, the verdict and the scope, stays until an
// event changes it. It changes nothing. Only the newest presentMost incidents are looked at.
func (j *Judge) Present() []Incident {
	t := turn{j: j, bin: j.next - 1, end: j.next * j.width}
	var all []Incident
	for _, i := range slices.Backward(j.incidents) {
		if !i.open() || i.told.ID == 0 || i.told.Until != 0 || i.late || len(i.flows) == 0 {
			continue
		}
		if len(all) == presentMost {
			break
		}
		worst, lacks := i.worst, i.lacks
		now, d := t.describe(i), i.told
		i.worst, i.lacks = worst, lacks
		d.Severity, d.Failed, d.Requests, d.Expected = now.Severity, now.Failed, now.Requests, now.Expected
		d.Clients, d.Buckets, d.Networks = now.Clients, now.Buckets, now.Networks
		if now.Verdict == d.Verdict && now.Scope[0].equal(&d.Scope[0]) {
			d.Evidence = now.Evidence
		}
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b Incident) int { return int(a.ID - b.ID) })
	return all
}

// NewID returns an ID for an incident that others found.
func (j *Judge) NewID() ID {
	j.lastID++
	return j.lastID
}

// IDsAfter makes all new IDs greater than last.
func (j *Judge) IDsAfter(last ID) { j.lastID = max(j.lastID, last) }

// Rename gives an incident the ID of one that others found before, and are to know it by. It does
// nothing when there is no such incident.
func (j *Judge) Rename(id, as ID) {
	for _, i := range j.incidents {
		if i.id == id {
			i.id = as
			if i.told.ID != 0 {
				i.told.ID = as
			}
		}
	}
	j.IDsAfter(as)
}

// Tune changes what an alarm takes. Other options stay as they are.
func (j *Judge) Tune(o Options) error {
	o.Bin, o.Grace, o.MaxSeries, o.Seed, o.NetworkName = j.o.Bin, j.o.Grace, j.o.MaxSeries, j.o.Seed, j.o.NetworkName
	o.Within = j.o.Within
	if err := o.validate(); err != nil {
		return err
	}
	j.o = o
	return nil
}
