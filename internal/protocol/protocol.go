// Package protocol defines what both sides of Heliograph's HTTP exchanges must agree on: paths,
// headers, media types and limits. Its encoders are next to their decoders. The documents that are
// exchanged are in the packages report and privacy.
//
// The package compiles to WebAssembly with the agent, so it does not import net/http.
package protocol

// Paths at a collector. A relay serves PathOblivious and PathObliviousKeys, too.
const (
	PathBatches       = "/v1/batches"        // POST MediaTypeSegment
	PathReports       = "/v1/reports"        // POST application/reports+json, from browsers
	PathPolicy        = "/v1/policy"         // GET MediaTypePolicy
	PathFeed          = "/v1/feed"           // GET MediaTypeFeed; see feed.Query
	PathOblivious     = "/v1/oblivious"      // POST message/ohttp-req (RFC 9458)
	PathObliviousKeys = "/v1/oblivious/keys" // GET application/ohttp-keys (RFC 9458)
)

// Media types of the documents that are exchanged.
const (
	MediaTypeSegment = "application/vnd.heliograph.segment" // a sealed batch, see seal.Sealer
	// a collector's answer; see receipt.Sign
	MediaTypeReceipt = "application/vnd.heliograph.receipt"
	MediaTypePolicy  = "application/vnd.heliograph.policy" // see policy.Sign
	MediaTypeFeed    = "application/vnd.heliograph.feed"   // see feed.Append
)

// Headers of an upload.
const (
	HeaderDelivery = "Heliograph-Delivery" // EncodeDelivery
	HeaderBatch    = "Heliograph-Batch"    // report.BatchID.String
)

// HeaderInbox is the header of a feed in which a collector names its inbox, by another name each
// time it is opened. A detector sends it back with its cursor, so that the collector notices a
// cursor that belongs to a copy of the inbox which was lost.
const HeaderInbox = "Heliograph-Inbox"

// Headers of Oblivious HTTP.
const (
	// of a request auth.Network.String, what a relay says about the client; of an answer
	// NetworkBuckets, from a gateway of release 0.2 or newer
	HeaderNetwork     = "Heliograph-Network"
	HeaderGatewayKeys = "Heliograph-Keys" // auth.SignGatewayKeys, with the key configurations
)

// NetworkBuckets is the value of [HeaderNetwork] by which a gateway says that it reads networks
// with a bucket.
const NetworkBuckets = "bucket"

// Sizes of Oblivious HTTP in bytes. Messages are padded before they are sealed, so that a relay
// cannot distinguish a small batch from a request for the policy.
const (
	ObliviousPadding = 4096 // messages are padded to multiples of this
	// of an encapsulated request: a segment, its delivery, padding and seal
	MaxObliviousRequest  = 280 << 10
	MaxObliviousResponse = 72 << 10 // of an encapsulated response: a policy, padding and seal
)
