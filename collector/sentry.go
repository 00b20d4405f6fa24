package collector

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/sentry"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// pathSentry is where SDKs of Sentry post envelopes, with the project of their DSN.
const pathSentry = "/api/{project:[0-9]+}/envelope/"

// The limits of one envelope.
const (
	maxEnvelope     = 1<<20 - 1 // bytes, decompressed; fits into a buffer of 1 MiB
	maxSentryEvents = 8         // events; SDKs send one. Together they fit into a segment
)

// sentryServer receives the errors that SDKs of Sentry report. It keeps the part of them that an
// agent would report, and seals it at once.
type sentryServer struct {
	id        string // the collector's
	live      *live
	admission *admission
	committer *committer
	metrics   *metrics
	log       *slog.Logger
	tokens    clientTokens
}

// serve answers as Sentry does: with the id of the event, or with the time for which the SDK must
// not send anything.
func (s *sentryServer) serve(w http.ResponseWriter, r *http.Request) error {
	now := s.live.load()
	switch {
	case now.Sentry.Key == "":
		httpx.LeaveBody(w, r)
		return errNoPath
	case r.Method == http.MethodOptions:
		return sentryPreflight(w, r)
	case r.Method != http.MethodPost:
		return sentryMethod(w, r)
	}
	allowSentryOrigins(w)
	project := mux.Vars(r)["project"]
	if key := sentry.Key(r); project != now.Sentry.Project || key != "" && !now.Sentry.isKey(key) {
		httpx.LeaveBody(w, r)
		return errSentryKey
	}
	id, err := s.take(w, r, now)
	if why, ok := errors.AsType[*shed](err); ok {
		s.count(envelopeItem, droppedFor(why), 1)
		return comeLater(w, why.delay)
	} else if err != nil {
		return err
	}
	w.Header()[headerRateLimits] = unwanted
	return httpx.WriteJSON(w, http.StatusOK, map[string]string{"id": id})
}

var (
	sentryPreflight = preflight("POST", "content-type, x-sentry-auth")
	sentryMethod    = notAllowed("POST, OPTIONS", true)

	errNoPath    = httpx.NewError(http.StatusNotFound, "no such path")
	errSentryKey = httpx.NewError(http.StatusForbidden, "project or key is not the one of collector.sentry; compare it with the SDK's DSN")
)

const headerRateLimits = "X-Sentry-Rate-Limits"

// unwanted asks SDKs not to send for an hour what would be dropped. They count it themselves then.
var unwanted = []string{"3600:transaction;session;attachment;replay;profile;profile_chunk;profile_chunk_ui;span;log_item;log_byte;trace_metric;" +
	"metric_bucket;feedback;monitor:organization"}

// isKey compares in a time that does not depend on the keys.
func (p *SentryProject) isKey(key string) bool {
	return subtle.ConstantTimeCompare([]byte(key), []byte(p.Key)) == 1
}

// comeLater asks an SDK to send nothing for a while. The event is lost, unless the SDK keeps it.
func comeLater(w http.ResponseWriter, delay time.Duration) error {
	seconds := strconv.FormatInt(int64((delay+time.Second-1)/time.Second), 10)
	w.Header().Set("Retry-After", seconds)
	w.Header()[headerRateLimits] = []string{seconds + "::organization"}
	return httpx.NewError(http.StatusTooManyRequests, "come later")
}

func allowSentryOrigins(w http.ResponseWriter) {
	h := w.Header()
	h["Access-Control-Allow-Origin"] = anyOrigin
	h["Access-Control-Expose-Headers"] = []string{headerRateLimits + ", Retry-After"}
}

// take stores the errors in an envelope and returns the id of the event.
func (s *sentryServer) take(w http.ResponseWriter, r *http.Request, now *settings) (id string, err error) {
	from := now.client(r)
	place, err := s.admission.enter(w, r, s.admission.network(from))
	if err != nil {
		return "", err
	}
	defer place.leave()
	body, err := place.read(w, r, maxEnvelope)
	if err != nil {
		return "", err
	}
	s.metrics.received.sentry.Add(float64(len(body.bytes)))
	sealed, err := s.seal(now, r, from, body)
	if err != nil || sealed.segment == nil {
		return sealed.event, err
	}
	held := s.admission.memory.hold(sealed.segment)
	if held == nil {
		return "", s.admission.shedder.overload(shedMemory, 1)
	}
	if !s.committer.deposit("sentry", s.id, now.network(from), sealed.id, held) {
		return "", s.admission.shedder.unavailable()
	}
	s.count(sentryEvent, resultStored, sealed.events)
	return sealed.event, nil
}

// sealedEvents is what remains of an envelope while it waits for the inbox.
type sealedEvents struct {
	event   string // id of the first event, or that of the envelope
	id      report.BatchID
	segment []byte // nil: there is nothing to store
	events  int    // number of events in segment
}

// seal decodes an envelope, drops and counts what is not stored, and seals the rest. It frees
// the body.
func (s *sentryServer) seal(now *settings, r *http.Request, from netip.Addr, body *body) (sealed sealedEvents, err error) {
	defer body.free()
	decoding <- struct{}{}
	defer func() { <-decoding }()
	envelope, err := sentry.Parse(body.bytes)
	if err != nil {
		return sealed, httpx.NewError(http.StatusBadRequest, "body must be an envelope of Sentry: "+err.Error())
	}
	if sentry.Key(r) == "" {
		if key, project := sentry.ParseDSN(envelope.DSN); project != now.Sentry.Project || !now.Sentry.isKey(key) {
			return sealed, errSentryKey
		}
	}
	sealed.event = envelope.EventID
	records := s.errors(now, envelope, from, r.UserAgent())
	if len(records) == 0 {
		return sealed, nil
	}
	sealed.events = len(records) / 2
	if sealed.id, err = report.NewBatchID(time.Now(), rand.Reader); err == nil {
		sealed.segment, err = sealRecords(now.sealKey, sealed.id, records)
	}
	if err != nil {
		s.log.Error("errors of a Sentry SDK could not be sealed", "error", err)
		s.count(sentryEvent, dropFailed, sealed.events)
		sealed.segment = nil
	}
	return sealed, nil
}

// sealRecords returns a segment with the records.
func sealRecords(key *seal.Key, id report.BatchID, records []report.Record) ([]byte, error) {
	sealer, err := seal.NewSealer(key, id)
	if err != nil {
		return nil, err
	}
	segment := append([]byte(nil), sealer.Prefix()...)
	for _, r := range records {
		record, err := report.AppendRecord(nil, r)
		if err != nil {
			return nil, err
		}
		if segment, err = sealer.Seal(segment, record); err != nil {
			return nil, err
		}
	}
	return seal.AppendEnd(segment), nil
}
