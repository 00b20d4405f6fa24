package judgement

// lateness is how long after the fact rows of one kind arrive, learned from calm. It says which
// part of a bin is there at some age, and how long to wait for most of it. Agents with early
// reports tell of a first failure within seconds, others at the end of a window; nobody configures
// that.
type lateness struct {
	seconds [lateSeconds]float32 // rows by their lateness
	sum     float32
	part    [ringBins]float64 // of a bin that is there when k more have been judged after it
	found   [ringBins]float64 // likewise, however little; 0 if that is not known
	nearly  int64             // ms, after which nearly all rows are there; 0 if that is not known
	stale   bool              // part must be computed anew
}

const (
	lateSeconds = 300  // what is later tells of the past
	lateMost    = 5000 // rows remembered
	lateLeast   = 100  // rows from which on anything is known
	lateWait    = 0.5  // of a bin's rows that are waited for until it may be called calm
	partLeast   = 0.2  // of a bin that is taken to be there at least
	lateNearly  = 0.95 // of the rows, as nearly all
)

// add takes a row that came some ms after the fact.
func (l *lateness) add(ms int64) {
	l.seconds[min(max(ms, 0)/1000, lateSeconds-1)]++
	if l.sum++; l.sum > lateMost {
		l.sum = 0
		for i := range l.seconds {
			l.seconds[i] /= 2
			l.sum += l.seconds[i]
		}
	}
	l.stale = true
}

// settle computes the parts for bins of some ms that are judged after a grace.
func (l *lateness) settle(width, grace int64) {
	if !l.stale {
		return
	}
	l.stale = false
	for k := range l.part {
		l.part[k], l.found[k] = 1, 0
	}
	if l.sum < lateLeast {
		return
	}
	there, second := float32(0), int64(0)
	for ; second < lateSeconds && there < lateNearly*l.sum; second++ {
		there += l.seconds[second]
	}
	l.nearly, there, second = second*1000, 0, 0
	for k := range l.part {
		age := (grace + int64(k)*width + width/2) / 1000 // of the middle of the bin
		for ; second < min(age, lateSeconds); second++ {
			there += l.seconds[second]
		}
		l.found[k] = float64(there / l.sum)
		l.part[k] = min(max(l.found[k], partLeast), 1)
	}
}

// at is the part of a bin that is there when k more have been judged after it.
func (l *lateness) at(k int) float64 {
	if l.part[0] == 0 {
		return 1
	}
	return l.part[k]
}

// wait is after how many bins half of one is there.
func (l *lateness) wait() int64 {
	for k, p := range l.part {
		if p == 0 || p >= lateWait {
			return int64(k)
		}
	}
	return int64(len(l.part))
}

func (l *lateness) restore(seconds []float32) {
	l.sum = 0
	for i := range copy(l.seconds[:], seconds) {
		l.sum += l.seconds[i]
	}
	l.stale = true
}
