"""The C library by ctypes. Its structures and functions are described in heliograph.h."""

from __future__ import annotations

import ctypes
import os
import threading
from ctypes import POINTER, Structure, c_char_p, c_int32, c_size_t, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p


class Options(Structure):
    _fields_ = [("size", c_uint32), ("consent", c_int32), ("app", c_char_p), ("version", c_char_p),
                ("policy", c_void_p), ("policy_size", c_size_t), ("spool_dir", c_char_p)]


class Observation(Structure):
    _fields_ = [("size", c_uint32), ("os_error", c_int32), ("elapsed_ms", c_uint32), ("status", c_uint16), ("flags", c_uint16),
                ("trace_id", c_uint8 * 16), ("url", c_char_p), ("outcome", c_char_p), ("protocol", c_char_p), ("server", c_char_p),
                ("method", c_char_p), ("head_ms", c_uint32), ("unused", c_uint32)]


class Frame(Structure):
    _fields_ = [("function", c_char_p), ("file", c_char_p), ("line", c_uint32), ("unused", c_uint32)]


class Failure(Structure):
    _fields_ = [("size", c_uint32), ("kind", c_int32), ("trace_id", c_uint8 * 16), ("type", c_char_p), ("message", c_char_p),
                ("frames", POINTER(Frame)), ("frame_count", c_size_t)]


class Stats(Structure):
    _fields_ = [("size", c_uint32), ("consent", c_int32), ("policy_version", c_uint64), ("observed", c_uint64), ("sealed", c_uint64),
                ("delivered", c_uint64), ("dropped", c_uint64), ("pending", c_uint64), ("pending_bytes", c_uint64), ("panics", c_uint64)]


_lock = threading.Lock()
_loaded: ctypes.CDLL | None = None


def load() -> ctypes.CDLL:
    """Load the library, once. Go's runtime starts in the process with it.

    HELIOGRAPH_LIBRARY names another file than the one in the package. OSError if it does not load.
    """
    global _loaded
    if _loaded is not None:  # also in a forked child, where _lock may be held for ever
        return _loaded
    with _lock:
        if _loaded is None:
            path = os.environ.get("HELIOGRAPH_LIBRARY") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "libheliograph.so")
            lib = ctypes.CDLL(path)
            lib.hg_open.argtypes = [POINTER(Options), POINTER(c_uint64), c_char_p, c_size_t]
            lib.hg_observe.argtypes = [c_uint64, POINTER(Observation)]
            lib.hg_capture_error.argtypes = [c_uint64, POINTER(Failure)]
            lib.hg_set_consent.argtypes = [c_uint64, c_int32]
            lib.hg_flush.argtypes = [c_uint64, c_uint32]
            lib.hg_shutdown.argtypes = [c_uint64, c_uint32]
            lib.hg_sent.argtypes = [c_uint64, c_char_p, c_size_t]
            lib.hg_get_stats.argtypes = [c_uint64, POINTER(Stats)]
            lib.hg_error_text.argtypes = [c_int32]
            lib.hg_error_text.restype = c_char_p
            _loaded = lib
        return _loaded
