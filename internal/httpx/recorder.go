package httpx

import "net/http"

// Recorder passes an answer through and remembers its status. One goroutine uses it, as any
// ResponseWriter.
type Recorder struct {
	http.ResponseWriter
	status int
}

// Status is that of the answer; 0 while nothing has been written.
func (w *Recorder) Status() int { return w.status }

// WriteHeader implements http.ResponseWriter.
func (w *Recorder) WriteHeader(status int) {
	if w.status < http.StatusOK { // not after an informational one
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *Recorder) Write(b []byte) (int, error) {
	if w.status < http.StatusOK {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets [http.ResponseController] through.
func (w *Recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
