package judgement

import "fmt"

// Doubt says why what fails at a target alerts nobody.
type Doubt struct {
	Target string
	Why    string // "too few to judge (1 address prefix of the 5 needed)"
}

// Doubts returns the doubts of now: incidents, told or not, that rest on too little, the oldest
// first, and then targets that are known for too short a time.
func (j *Judge) Doubts() []Doubt {
	var all []Doubt
	for _, i := range j.incidents {
		if i.open() && !i.late && i.lacks.Why != "" {
			all = append(all, i.lacks)
		}
	}
	for _, p := range j.order {
		if left := p.born + j.bins(youngSystem) - j.next; left > 0 && p.key.target != 0 && !p.key.timed() {
			all = append(all, Doubt{j.names.text(kindTarget, p.key.target), fmt.Sprintf("too early to judge (known for less than %.0f min)", youngSystem.Minutes())})
		}
	}
	return all
}
