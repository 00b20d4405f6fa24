package httpx

import "net/http"

// Recorder is an [http.ResponseWriter] that remembers the status of the answer. It is not safe for
// concurrent use.
type Recorder struct {
	http.ResponseWriter
	status int
}

// Status returns the status of the answer, or 0 if nothing has been written.
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

// Unwrap returns the underlying writer, for [http.ResponseController].
func (w *Recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
