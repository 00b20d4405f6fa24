package dashboards

import (
	"net/http"
	"reflect"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/report"
)

// recordText says what a kind of record is, for users.
type recordText struct {
	of         reflect.Type
	title, why string
	// consent that all its fields need, unless their text has another; "" if they are not of a user
	consent string
}

// fieldText says what a field is, for users.
type fieldText struct {
	text    string
	consent string // "" is that of the record
}

// records lists what can come from a user's device, and what is noted when it comes.
var records = []recordText{
	{reflect.TypeFor[report.Header](), "About the sender", "To tell releases and kinds of systems apart, and how many devices are concerned.", "counts"},
	{reflect.TypeFor[report.Window](), "Sums of requests", "To see which part of the requests fails.", "counts"},
	{reflect.TypeFor[report.Durations](), "How long requests took", "To see when a service becomes slow.", "counts"},
	{reflect.TypeFor[report.Sample](), "A few failed requests, in detail", "To find out why requests fail.", "diagnostics"},
	{reflect.TypeFor[report.ApplicationError](), "Errors of the application", "To find faults of a release.", "counts"},
	{reflect.TypeFor[report.Receipts](), "What was delivered before", "To find a collector that signs for reports and throws them away.", "counts"},
	{reflect.TypeFor[report.DeletionNotice](), "A withdrawal of consent", "To delete what was sent; sent once, when consent is withdrawn.", "counts"},
	{reflect.TypeFor[report.Delivery](), "About the delivery", "To see which collectors cannot be reached. The collector can read this part.", "counts"},
	{reflect.TypeFor[report.Envelope](), "What the collector adds", "To see which networks and countries are concerned. The address is used for that and forgotten.", "counts"},
}

// fields says what each field of the records is, by type and name. TestEveryFieldIsExplained fails
// if one is missing, so that nothing can be collected that users are not told of.
var fields = map[string]fieldText{
	"Header.Source":  {text: "Whether an application or a browser reports."},
	"Header.App":     {text: "The name of the application."},
	"Header.Version": {text: "The version of the application."},
	"Header.OS":      {text: "The family of the operating system, such as linux or android."},
	"Header.Consent": {text: "What you have allowed: counts or diagnostics."},
	"Header.Client":  {text: "A random number that tells devices apart. It is new every day, so that nobody can follow you from one day to the next."},
	"Header.Drops":   {text: "How many records were lost on the device, by reason."},
	"Drop.Reason":    {text: "Why records were lost, such as a full disk."},
	"Drop.Count":     {text: "How many."},

	"Window.End":        {text: "When the interval ended, usually a minute."},
	"Window.Length":     {text: "How long the interval was."},
	"Window.SampledPPM": {text: "How probable it was that this interval was sent."},
	"Window.Counters":   {text: "The sums of requests of the interval."},
	"Counter.Target":    {text: "Which service was asked: https://shop.example, without what follows."},
	"Counter.Outcome":   {text: "How the requests ended, such as ok or tcp.timed_out."},
	"Counter.Protocol":  {text: "The protocol, such as h2."},
	"Counter.Server":    {text: "The address of the service's server."},
	"Counter.Status":    {text: "The status that the server answered, such as 503."},
	"Counter.Flags":     {text: "Whether it was a repetition, and whether the device changed its network."},
	"Counter.Count":     {text: "How many requests."},

	"Durations.Histograms": {text: "How many requests took how long, in coarse steps."},

	"Sample.At":        {text: "When the request ended."},
	"Sample.URL":       {text: "The address asked, without user, query and fragment, and with ids replaced."},
	"Sample.Method":    {text: "The method, such as GET."},
	"Sample.Outcome":   {text: "How it ended."},
	"Sample.Phase":     {text: "In which step it ended: name, connection or answer."},
	"Sample.Protocol":  {text: "The protocol."},
	"Sample.Server":    {text: "The address of the service's server."},
	"Sample.Status":    {text: "The status that the server answered."},
	"Sample.ElapsedMS": {text: "How long it took."},
	"Sample.TraceID":   {text: "The number by which the service finds the request in its own records."},
	"Sample.Flags":     {text: "Whether it was a repetition, and whether the device changed its network."},

	"ApplicationError.At":          {text: "When the error last happened."},
	"ApplicationError.Kind":        {text: "How it was noticed."},
	"ApplicationError.Type":        {text: "The type of the error, as the program names it."},
	"ApplicationError.Message":     {"Its message, from which numbers, names and addresses are removed.", "diagnostics"},
	"ApplicationError.Fingerprint": {text: "A number that is the same for errors with one cause. It is made from the program, not from data."},
	"ApplicationError.Frames":      {"Where in the program it happened.", "diagnostics"},
	"ApplicationError.TraceID":     {"The number by which the service finds the request in its own records.", "diagnostics"},
	"ApplicationError.Count":       {text: "How often it happened."},
	"ApplicationError.URL":         {text: "The page on which it happened: with counts only its origin, with diagnostics its address without user, query and fragment."},
	"Frame.Function":               {"The function of the program.", "diagnostics"},
	"Frame.File":                   {"The name of the file of the program.", "diagnostics"},
	"Frame.Line":                   {"The line in it.", "diagnostics"},

	"Receipts.Batches":         {text: "Which batches of reports collectors have signed for."},
	"ReceiptedBatch.Collector": {text: "Which collector signed."},
	"ReceiptedBatch.Name":      {text: "The number of the batch."},
	"ReceiptedBatch.Frames":    {text: "How many parts it had."},

	"DeletionNotice.Clients": {text: "The random numbers of the last days, by which what was sent is found and deleted."},

	"Delivery.Age":      {text: "How old the report is."},
	"Delivery.Path":     {text: "Which collectors were tried before."},
	"Attempt.Collector": {text: "The collector that was tried."},
	"Attempt.Outcome":   {text: "Why it did not take the report."},

	"Envelope.Seq":       {text: "Its number in the collector's queue."},
	"Envelope.Batch":     {text: "A random number that names the batch, and the minute when it was made."},
	"Envelope.Received":  {text: "When it came."},
	"Envelope.Collector": {text: "Which collector took it."},
	"Envelope.ASN":       {text: "The network that it came from, such as that of an internet provider."},
	"Envelope.Country":   {text: "The country that it came from."},
	"Envelope.Delivery":  {text: "What was sent about the delivery."},
	"Envelope.Segment":   {text: "The sealed report. The collector cannot read it."},
	"Envelope.Bucket":    {text: "A number from 1 to 4,096 that tells places apart for a day. It is made from the address with a key that is thrown away."},
}

// never is what no report contains.
var never = []string{
	"your address on the network", "cookies", "what you typed, sent or received", "headers of requests", "the page that you came from",
	"your name, your account, or any number of yours that lasts longer than a day", "anything from before you allowed it, and anything after you withdrew it",
}

// collected returns what reports contain, from the types of which they are made.
func collected() api.Collected {
	c := api.Collected{Never: never}
	for _, r := range records {
		row := api.CollectedRecord{Title: r.title, Why: r.why}
		for _, name := range fieldsOf(r.of) {
			f := fields[name]
			if f.consent == "" {
				f.consent = r.consent
			}
			row.Fields = append(row.Fields, api.CollectedField{Name: name, Text: f.text, Consent: f.consent})
		}
		c.Records = append(c.Records, row)
	}
	return c
}

// fieldsOf returns the names of the fields of a struct, each followed by those of the structs that
// it has a list of. What has a record of its own is left out.
func fieldsOf(t reflect.Type) (names []string) {
	for f := range t.Fields() {
		names = append(names, t.Name()+"."+f.Name)
		if inner := f.Type; inner.Kind() == reflect.Slice && inner.Elem().Kind() == reflect.Struct && inner.Elem() != reflect.TypeFor[report.Histogram]() {
			names = append(names, fieldsOf(inner.Elem())...)
		}
	}
	return names
}

func (d *Dashboard) getCollected(w http.ResponseWriter, _ *http.Request, p *params) error {
	if p.err != nil {
		return p.err
	}
	return writeJSON(w, collected())
}
