// What an error says about a request, in the words of W3C Network Error Logging. The names are
// those that the agent for Go gives to the same faults.
"use strict";

// Codes of the system and of c-ares, of undici, and of OpenSSL's verification.
const CODES = {
  ENOTFOUND: "dns.name_not_resolved", ENODATA: "dns.name_not_resolved", EAI_NODATA: "dns.name_not_resolved", EAI_NONAME: "dns.name_not_resolved",
  EAI_AGAIN: "dns.failed", EAI_FAIL: "dns.failed", ESERVFAIL: "dns.failed", EREFUSED: "dns.failed", ETIMEOUT: "dns.timed_out",

  ECONNREFUSED: "tcp.refused", ECONNRESET: "tcp.reset", EPIPE: "tcp.closed", ECONNABORTED: "tcp.aborted", ETIMEDOUT: "tcp.timed_out",
  EHOSTUNREACH: "tcp.address_unreachable", ENETUNREACH: "tcp.address_unreachable", ENETDOWN: "tcp.address_unreachable", EHOSTDOWN: "tcp.address_unreachable",
  EADDRNOTAVAIL: "tcp.address_invalid", EAFNOSUPPORT: "tcp.address_invalid", EINVAL: "tcp.address_invalid",
  ERR_SOCKET_CONNECTION_TIMEOUT: "tcp.timed_out", ERR_TLS_HANDSHAKE_TIMEOUT: "tcp.timed_out",
  UND_ERR_CONNECT_TIMEOUT: "tcp.timed_out", UND_ERR_HEADERS_TIMEOUT: "tcp.timed_out", UND_ERR_BODY_TIMEOUT: "tcp.timed_out",

  CERT_HAS_EXPIRED: "tls.cert.date_invalid", CERT_NOT_YET_VALID: "tls.cert.date_invalid",
  ERR_TLS_CERT_ALTNAME_INVALID: "tls.cert.name_invalid", HOSTNAME_MISMATCH: "tls.cert.name_invalid", CERT_REVOKED: "tls.cert.revoked",
  DEPTH_ZERO_SELF_SIGNED_CERT: "tls.cert.authority_invalid", SELF_SIGNED_CERT_IN_CHAIN: "tls.cert.authority_invalid",
  UNABLE_TO_GET_ISSUER_CERT: "tls.cert.authority_invalid", UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "tls.cert.authority_invalid",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "tls.cert.authority_invalid", CERT_UNTRUSTED: "tls.cert.authority_invalid",
  INVALID_PURPOSE: "tls.cert.invalid", INVALID_CA: "tls.cert.invalid", CERT_REJECTED: "tls.cert.invalid", CERT_SIGNATURE_FAILURE: "tls.cert.invalid",
  CERT_CHAIN_TOO_LONG: "tls.cert.invalid", PATH_LENGTH_EXCEEDED: "tls.cert.invalid",

  HPE_INVALID_CHUNK_SIZE: "http.response.invalid.invalid_chunked_encoding", HPE_CHUNK_EXTENSIONS_OVERFLOW: "http.response.invalid.invalid_chunked_encoding",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "http.response.invalid.content_length_mismatch",
  UND_ERR_HEADERS_OVERFLOW: "http.response.invalid",
  UND_ERR_ABORTED: "abandoned", UND_ERR_DESTROYED: "abandoned", UND_ERR_CLOSED: "abandoned", ABORT_ERR: "abandoned",
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: "abandoned", UND_ERR_INVALID_ARG: "abandoned",
};

// Ends of the reasons that OpenSSL gives.
const TLS = [
  [/(unsupported protocol|no protocols available|no ciphers available|wrong ssl version|no shared cipher|legacy sigalg disallowed or unsupported)$/, "tls.version_or_cipher_mismatch"],
  [/alert (protocol version|handshake failure|insufficient security|inappropriate fallback)$/, "tls.version_or_cipher_mismatch"],
  [/alert (certificate required|bad certificate|unsupported certificate|certificate revoked|certificate expired|certificate unknown|unknown ca|access denied)$/,
    "tls.bad_client_auth_cert"],
  [/unrecognized name$/, "tls.unrecognized_name_alert"],
];

/**
 * A time-out of the caller's, or a cancellation by it. A caller's time-out over a path that drops
 * packets is all that a program sees of it.
 */
function given(error) {
  if (error.name === "TimeoutError" || error.cause?.name === "TimeoutError") return "tcp.timed_out";
  return error.name === "AbortError" ? "abandoned" : "";
}

function tls(error) {
  const reason = error.reason ?? /:SSL routines:[^:]*:([^:]+):/.exec(error.message)?.[1];
  if (typeof reason !== "string") return "";
  return TLS.find(([text]) => text.test(reason.trim().toLowerCase()))?.[1] ?? "tls.protocol.error";
}

// HTTP that is none. undici's errors of this kind lack the parser's code since version 7.
function parser(error, head) {
  const code = String(error.code ?? ""), text = String(error.message ?? "");
  if (!code.startsWith("HPE_") && error.name !== "HTTPParserError") return "";
  if (/EOF state/.test(text) || code === "HPE_INVALID_EOF_STATE") return end(head);
  return /chunk/i.test(text) ? CODES.HPE_INVALID_CHUNK_SIZE : "http.response.invalid";
}

/** The outcome of a connection that the peer closed in good order, but too early. */
function end(head) {
  if (!head.status) return head.bytes ? "http.response.headers.truncated" : "http.response.invalid.empty";
  return head.chunked ? "http.response.invalid.incomplete_chunked_encoding" : "http.response.invalid.content_length_mismatch";
}

/**
 * The outcome of a request that ended with an error. head is what came before: status (0: no head),
 * chunked, bytes (that arrived on the connection). What has no name is "http.failed", or
 * "abandoned" if it has no code either: then the program itself ended the request.
 */
function outcomeOf(error, head = {}) {
  // fetch hides the reason in cause, and a connection to several addresses all reasons in errors
  for (let e = error, depth = 0; e && typeof e === "object" && depth < 8; e = e.cause ?? e.errors?.at?.(-1), depth++) {
    const found = one(e, head);
    if (found) return found;
  }
  return error?.code === undefined && error?.name !== "TypeError" ? "abandoned" : "http.failed";
}

function one(e, head) {
  if (e.code === "ECONNRESET" && e.syscall === undefined) return /before secure TLS/.test(e.message) ? "tcp.closed" : end(head);
  if (e.code === "UND_ERR_SOCKET" && !e.cause) return end(head);
  return given(e) || parser(e, head) || (Object.hasOwn(CODES, e.code ?? "") ? CODES[e.code] : "") || tls(e) ||
    (e.syscall === "connect" ? "tcp.failed" : e.syscall === "getaddrinfo" ? "dns.failed" : "");
}

module.exports = { outcomeOf };
