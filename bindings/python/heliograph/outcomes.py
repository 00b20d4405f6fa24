"""What an exception says about a request, in the words of W3C Network Error Logging.

The names are those that the agent for Go gives to the same faults. Libraries wrap what the socket
said in exceptions of their own, so all that belong to one are looked through: causes, contexts,
urllib3's reason, arguments and groups.
"""

from __future__ import annotations

import asyncio
import errno
import http.client
import socket
import ssl
from collections.abc import Iterator

_MAX_WALKED = 64  # exceptions that are looked at

# X509_V_ERR codes of OpenSSL's x509_vfy.h.
_CERTIFICATE = {9: "date_invalid", 10: "date_invalid", 62: "name_invalid", 63: "name_invalid", 64: "name_invalid",
                2: "authority_invalid", 18: "authority_invalid", 19: "authority_invalid", 20: "authority_invalid",
                21: "authority_invalid", 23: "revoked"}

_TLS = {
    "tls.version_or_cipher_mismatch": ("UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE", "WRONG_SSL_VERSION",
                                       "ALERT_PROTOCOL_VERSION", "ALERT_HANDSHAKE_FAILURE", "ALERT_INSUFFICIENT_SECURITY",
                                       "ALERT_INAPPROPRIATE_FALLBACK"),
    "tls.bad_client_auth_cert": ("ALERT_CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE", "ALERT_UNSUPPORTED_CERTIFICATE",
                                 "ALERT_CERTIFICATE_REVOKED", "ALERT_CERTIFICATE_EXPIRED", "ALERT_CERTIFICATE_UNKNOWN",
                                 "ALERT_UNKNOWN_CA", "ALERT_ACCESS_DENIED"),
    "tls.unrecognized_name_alert": ("UNRECOGNIZED_NAME",),
}

_ERRNO = {
    errno.ECONNREFUSED: "tcp.refused", errno.ECONNRESET: "tcp.reset", errno.EPIPE: "tcp.reset", errno.ECONNABORTED: "tcp.aborted",
    errno.ETIMEDOUT: "tcp.timed_out", errno.EHOSTUNREACH: "tcp.address_unreachable", errno.ENETUNREACH: "tcp.address_unreachable",
    errno.EADDRNOTAVAIL: "tcp.address_invalid", errno.EAFNOSUPPORT: "tcp.address_invalid",
}

# Exceptions of urllib3, requests and httpx (httpcore) that say it by their type, when no exception
# of the standard library says it better. A caller's timeout over a path that drops packets is all
# that an application sees of it.
_NAMED = {
    "ConnectTimeout": "tcp.timed_out", "ConnectTimeoutError": "tcp.timed_out", "ReadTimeout": "tcp.timed_out", "ReadTimeoutError": "tcp.timed_out",
    "WriteTimeout": "tcp.timed_out", "TooManyRedirects": "http.response.redirect_loop", "InvalidChunkLength": "http.response.invalid.invalid_chunked_encoding",
    "DecodingError": "http.response.invalid", "DecodeError": "http.response.invalid", "ContentDecodingError": "http.response.invalid",
    "PoolTimeout": "abandoned", "EmptyPoolError": "abandoned", "FullPoolError": "abandoned",  # the program's own limit
}

# Texts of httpcore's RemoteProtocolError (h11), and of http.client and urllib3.
_TEXTS = (
    ("Server disconnected without sending a response", "http.response.invalid.empty"),
    ("closed connection without sending complete message body (received", "http.response.invalid.content_length_mismatch"),
    ("closed connection without sending complete message body (incomplete chunked", "http.response.invalid.incomplete_chunked_encoding"),
    ("chunk", "http.response.invalid.invalid_chunked_encoding"),
    ("", "http.response.invalid"),
)


def walk(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that belong to it, the outermost first, each once."""
    queue, seen = [error], {id(error)}
    while queue and len(seen) <= _MAX_WALKED:
        e = queue.pop(0)
        yield e
        inner = [e.__cause__, e.__context__ if e.__cause__ is None and not e.__suppress_context__ else None, getattr(e, "reason", None), *e.args,
                 *(getattr(e, "exceptions", ()) or ())]
        for i in inner:
            if isinstance(i, BaseException) and id(i) not in seen:
                seen.add(id(i))
                queue.append(i)


def outcome_of(error: BaseException) -> str:
    """Return the outcome of a request that ended with an exception.

    It is never "ok"; what has no name is "http.failed". "" means that there was no request: the URL
    or the call is wrong.
    """
    chain = list(walk(error))
    names = {t.__name__ for e in chain for t in type(e).__mro__}
    if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError)):
        return "abandoned"  # only the outermost: asyncio makes its timeouts of cancellations
    if names & {"InvalidURL", "MissingSchema", "InvalidSchema", "LocationParseError", "LocationValueError", "UnsupportedProtocol", "URLSchemeUnknown",
                "LocalProtocolError", "InvalidHeader"}:
        return ""
    if "ProxyError" in names:
        return _proxy(chain)
    for e in chain:
        if type(e).__name__ == "ResponseError":  # urllib3 has retried or followed too often
            return "http.response.redirect_loop" if "redirect" in str(e) else "http.error"
    for rule in (_resolving, _certificate, _tls, _chunk, _http, _socket):
        for e in chain:
            if found := rule(e):
                return found
    for e in chain:
        for t in type(e).__mro__:
            if t.__name__ in _NAMED:
                return _NAMED[t.__name__]
    if any(isinstance(e, TimeoutError) for e in chain):
        return "tcp.timed_out"
    for e in chain:
        if type(e).__name__ in ("RemoteProtocolError", "ProtocolError", "ChunkedEncodingError"):
            return next(o for text, o in _TEXTS if text in str(e))
    return "http.failed"


def _proxy(chain: list[BaseException]) -> str:
    text = " ".join(str(e) for e in chain)
    if "407" in text:
        return "proxy.auth_requested"
    return "proxy.tunnel_connection_failed" if "unnel" in text else "proxy.connection_failed"


def _resolving(e: BaseException) -> str:
    if not isinstance(e, socket.gaierror):
        return ""
    if e.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", -5)):
        return "dns.name_not_resolved"
    return "dns.failed"


def _certificate(e: BaseException) -> str:
    if type(e).__name__ == "CertificateError" and "match" in str(e):  # urllib3 compares names by itself
        return "tls.cert.name_invalid"
    if not isinstance(e, ssl.SSLCertVerificationError):
        return ""
    return "tls.cert." + _CERTIFICATE.get(e.verify_code, "invalid")


def _tls(e: BaseException) -> str:
    if not isinstance(e, ssl.SSLError) or isinstance(e, (ssl.SSLWantReadError, ssl.SSLWantWriteError)):
        return ""
    reason = e.reason or ""
    for outcome, reasons in _TLS.items():
        if any(reason.endswith(r) for r in reasons):
            return outcome
    if "legacy sigalg disallowed" in str(e):  # of an old version; Python has no name for this reason
        return "tls.version_or_cipher_mismatch"
    if isinstance(e, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or "UNEXPECTED_EOF" in reason:
        return "tcp.closed"
    return "tls.protocol.error"


def _chunk(e: BaseException) -> str:
    """http.client says IncompleteRead of a malformed length, too, in the context of the number that is none."""
    if isinstance(e, ValueError) and "base 16" in str(e) and not str(e).endswith("b''"):
        return "http.response.invalid.invalid_chunked_encoding"
    return ""


def _http(e: BaseException) -> str:
    if isinstance(e, http.client.RemoteDisconnected):
        return "http.response.invalid.empty"
    if isinstance(e, http.client.IncompleteRead):
        chunk = vars(e).get("length") if type(e).__name__ == "InvalidChunkLength" else None
        if chunk:
            return "http.response.invalid.invalid_chunked_encoding"
        # of a chunk if nobody knows how much was to come
        chunked = e.expected is None or chunk is not None
        return "http.response.invalid." + ("incomplete_chunked_encoding" if chunked else "content_length_mismatch")
    if isinstance(e, http.client.HTTPException):
        return "http.response.invalid"
    return ""


def _socket(e: BaseException) -> str:
    if not isinstance(e, OSError) or isinstance(e, ssl.SSLError):
        return ""
    if isinstance(e, TimeoutError):  # also socket.timeout, whose errno may be missing
        return "tcp.timed_out"
    return _ERRNO.get(e.errno or 0, "")
