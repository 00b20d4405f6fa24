package heartbeat

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/privacy/auth"
)

// maxSkew is how far a sender's clock may be from the receiver's.
const maxSkew = time.Minute

// ServeHTTP implements [http.Handler]. It answers 204 to a beat that it takes; 401 to one that no
// known key signed, for this vantage, within a minute; 404 to one of an unknown rack; 409 to one
// that is not newer than the last; and 400 or 413 to what is no beat. The body of an unknown sender
// is not read.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if err := r.serve(w, request); err != nil {
		httpx.WriteText(w, err.Status, err.Text)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *Receiver) serve(w http.ResponseWriter, request *http.Request) *httpx.Error {
	if request.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return httpx.NewError(http.StatusMethodNotAllowed, "heartbeats are posted")
	}
	r.mu.Lock()
	keys := r.keys // replaced as a whole
	r.mu.Unlock()
	signer, sum, err := auth.VerifyHeartbeat(request.Header.Get("Authorization"), r.vantage, time.Now(), maxSkew, keys...)
	if err != nil {
		httpx.LeaveBody(w, request)
		return httpx.NewError(http.StatusUnauthorized, err.Error())
	}
	body, err := httpx.ReadBody(w, request, int64(MaxSize))
	if err != nil {
		if fault, ok := errors.AsType[*httpx.Error](err); ok {
			return fault
		}
		return httpx.ErrBroken
	}
	if sha256.Sum256(body) != sum {
		return httpx.NewError(http.StatusUnauthorized, "the signature is another body's")
	}
	b, err := Decode(body)
	if err != nil {
		return httpx.NewError(http.StatusBadRequest, err.Error())
	}
	switch err := r.take(b, signer, time.Now()); {
	case err == nil:
		return nil
	case errors.Is(err, errNoRack):
		return httpx.NewError(http.StatusNotFound, err.Error())
	case errors.Is(err, errReplay):
		return httpx.NewError(http.StatusConflict, err.Error())
	default:
		return httpx.NewError(http.StatusBadRequest, err.Error())
	}
}
