// Plain words for the outcomes of Network Error Logging. The vocabulary is open: an unknown outcome
// takes the words of its nearest known prefix.

const words: Record<string, string> = {
  ok: "answered",
  app: "application error",
  "app.panic": "the application crashed",
  "app.log": "logged by the application",
  browser: "reported by the browser",
  "browser.crash": "the page crashed",
  "browser.csp": "blocked by the page's own policy",
  "browser.deprecation": "feature about to go",
  "browser.intervention": "the browser stepped in",
  dns: "name resolution failed",
  "dns.unreachable": "no name server reached",
  "dns.name_not_resolved": "name does not resolve",
  "dns.timed_out": "name server silent",
  "dns.address_changed": "address changed",
  tcp: "connection failed",
  "tcp.timed_out": "connection timed out",
  "tcp.closed": "connection closed early",
  "tcp.reset": "connection reset",
  "tcp.refused": "connection refused",
  "tcp.aborted": "connection aborted",
  "tcp.address_invalid": "address invalid",
  "tcp.address_unreachable": "no route",
  tls: "TLS failed",
  "tls.version_or_cipher_mismatch": "no common TLS version or cipher",
  "tls.bad_client_auth_cert": "client certificate refused",
  "tls.cert": "certificate invalid",
  "tls.cert.name_invalid": "certificate for another name",
  "tls.cert.date_invalid": "certificate expired",
  "tls.cert.authority_invalid": "certificate authority unknown",
  "tls.cert.revoked": "certificate revoked",
  "tls.cert.pinned_key_not_in_cert_chain": "pinned key missing",
  "tls.unrecognized_name_alert": "server does not know the name",
  "tls.protocol.error": "TLS protocol error",
  http: "HTTP failed",
  "http.error": "HTTP 4xx or 5xx",
  "http.protocol.error": "HTTP protocol error",
  "http.response.invalid": "answer invalid",
  "http.response.invalid.empty": "answer empty",
  "http.response.invalid.content_length_mismatch": "answer cut short",
  "http.response.invalid.incomplete_chunked_encoding": "answer cut short",
  "http.response.headers.truncated": "headers cut short",
  "http.response.redirect_loop": "redirect loop",
  h2: "HTTP/2 failed",
  "h2.ping_failed": "HTTP/2 connection dead",
  "h2.protocol.error": "HTTP/2 protocol error",
  h3: "HTTP/3 failed",
  "h3.protocol.error": "HTTP/3 protocol error",
  proxy: "the proxy failed",
  "proxy.connection_failed": "proxy not reached",
  "proxy.certificate_invalid": "the proxy's certificate is invalid",
  "proxy.auth_requested": "the proxy wants a login",
  "proxy.tunnel_connection_failed": "the proxy made no tunnel",
  "proxy.socks_connection_failed": "the SOCKS proxy made no connection",
  "proxy.socks_connection_host_unreachable": "the SOCKS proxy found no way",
  network: "no answer",
  "network.failed": "no answer, browser tells no reason",
  "network.timed_out": "no answer in time",
  "network.offline": "browser was offline",
  abandoned: "caller gave up",
  unknown: "failed, kind unknown",
};

/** What an outcome means, in plain words. */
export function outcomeWords(outcome: string): string {
  for (let o = outcome; o !== ""; o = o.slice(0, Math.max(0, o.lastIndexOf(".")))) {
    const known = words[o];
    if (known !== undefined) return known;
  }
  return "failed";
}
