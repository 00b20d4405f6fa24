"""The agent: what a program opens once and tells of its requests and errors."""

from __future__ import annotations

import atexit
import ctypes
import enum
import math
import os
import sys
import threading
import types
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import _library

KIND_ERROR, KIND_PANIC, KIND_LOG = 1, 2, 3
_MAX_FRAMES = 32


class Consent(enum.IntEnum):
    """What a user allows."""

    OFF = 0  # nothing is recorded, stored or sent
    COUNTS = 1  # how many requests ended how, per target
    DIAGNOSTICS = 2  # and a few failures in detail, scrubbed; scrubbed messages and stacks of errors


class Error(Exception):
    """What the library refused, in plain English. code is one of heliograph.h's HG_ERR codes."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Stats:
    """What an agent did so far; see hg_stats in heliograph.h."""

    consent: int
    policy_version: int
    observed: int
    sealed: int
    delivered: int
    dropped: int
    pending: int
    pending_bytes: int
    panics: int


def spool_dir(app: str) -> str:
    """Return the directory for an application's spool where the user's caches are."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, app, "heliograph")


class Agent:
    """Counts requests and errors, and delivers sealed reports.

    policy is the operator's signed policy, as bytes or as the name of its file. With lazy, the agent
    opens when it is first used, in the process that uses it: for servers that load the application
    and then fork. Go's runtime does not survive a fork, so a child of a process that has used an
    agent has none; its trouble says so.

    An agent never harms its program: what cannot be opened, counted or captured is left out, and
    trouble says why. Only methods that answer a question (flush, stats, sent, consent) raise Error.
    """

    def __init__(self, app: str, *, policy: bytes | str | os.PathLike[str], spool: str | os.PathLike[str],
                 consent: Consent = Consent.OFF, version: str = "", lazy: bool = False) -> None:
        self._app, self._version, self._policy, self._spool = app, version, policy, os.path.abspath(os.fspath(spool))
        self._wanted = Consent(consent)
        self._lock = threading.Lock()
        self._process = 0  # that has opened it
        self._handle = 0
        self._trouble = ""
        self._hooks: Any = None
        if hasattr(os, "register_at_fork"):
            me = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _unlock(me()))
        if not lazy:
            self._open()

    @property
    def trouble(self) -> str:
        """Why nothing is reported, or "" if the agent works."""
        return self._trouble

    def _open(self) -> int:
        """Return the handle of this process, 0 if there is none."""
        if self._process == os.getpid():
            return self._handle
        with self._lock:
            if self._process == os.getpid():
                return self._handle
            forked, self._handle, self._process, self._trouble = self._process != 0, 0, os.getpid(), ""
            try:
                self._handle = self._open_here()
            except (OSError, ValueError, Error) as e:
                self._trouble = str(e)
                if forked:
                    self._trouble += " (open the agent after the fork, or with lazy=True)"
            return self._handle

    def _open_here(self) -> int:
        policy = self._policy
        if not isinstance(policy, bytes):
            with open(policy, "rb") as f:
                policy = f.read(1 << 20)
        lib = _library.load()
        options = _library.Options(
            ctypes.sizeof(_library.Options), int(self._wanted), _text(self._app), _text(self._version),
            ctypes.cast(ctypes.c_char_p(policy), ctypes.c_void_p), len(policy), os.fsencode(self._spool))
        handle, error = ctypes.c_uint64(), ctypes.create_string_buffer(1024)
        code = lib.hg_open(ctypes.byref(options), ctypes.byref(handle), error, len(error))
        if code < 0:
            raise Error(code, error.value.decode("utf-8", "replace") or _meaning(lib, code))
        return handle.value

    def observe(self, url: str, *, outcome: str | None = None, status: int = 0, os_error: int = 0, elapsed: float = 0,
                protocol: str | None = None, server: str | None = None, method: str | None = None, trace_id: bytes = b"",
                retry: bool = False, head: float = 0) -> None:
        """Count one request that has ended.

        outcome is a word of W3C Network Error Logging; None: it follows from os_error (an errno), else
        from status, else it is "ok". elapsed is the time from its begin until now, and head the one
        until the head of its response, in seconds; 0: unknown. trace_id is empty or 16 bytes. It takes
        some microseconds and waits for nothing.
        """
        handle = self._open()
        if not handle:
            return
        try:
            o = _library.Observation(
                ctypes.sizeof(_library.Observation), os_error, _milliseconds(elapsed), min(max(status, 0), 65535),
                1 if retry else 0, _trace(trace_id), _text(url), _text(outcome), _text(protocol), _text(server), _text(method),
                _milliseconds(head, math.ceil), 0)
            _library.load().hg_observe(handle, ctypes.byref(o))
        except Exception as e:  # never the program's
            self._trouble = f"a request was not counted: {e!r}"

    def capture_exception(self, error: BaseException | None = None, *, kind: int = KIND_ERROR, trace_id: bytes = b"") -> None:
        """Record an error of the program itself; None is the exception that is being handled."""
        error = error if error is not None else sys.exc_info()[1]
        if error is None:
            return
        try:
            frames = [(_qualified(f), name, line) for f, name, line in _stack(error.__traceback__)]
            message = str(error)
        except Exception:  # an exception whose text cannot be made
            frames, message = [], ""
        kind_name = type(error).__qualname__ if type(error).__module__ == "builtins" else f"{type(error).__module__}.{type(error).__qualname__}"
        self.capture(kind_name, message, kind=kind, frames=frames, trace_id=trace_id)

    def capture(self, type: str, message: str = "", *, kind: int = KIND_ERROR, frames: list[tuple[str, str, int]] | None = None,
                trace_id: bytes = b"") -> None:
        """Record an error by its type in the program's words. frames are (function, file, line), the innermost first."""
        handle = self._open()
        if not handle:
            return
        try:
            frames = (frames or [])[:_MAX_FRAMES]
            stack = (_library.Frame * max(len(frames), 1))(*[_library.Frame(_text(f), _text(name), line, 0) for f, name, line in frames])
            e = _library.Failure(ctypes.sizeof(_library.Failure), kind, _trace(trace_id), _text(type), _text(message[:4096]), stack, len(frames))
            _library.load().hg_capture_error(handle, ctypes.byref(e))
        except Exception as e2:
            self._trouble = f"an error was not captured: {e2!r}"

    @property
    def consent(self) -> Consent:
        """What the user allows. Setting it to OFF deletes what waits, before it returns."""
        return self._wanted

    @consent.setter
    def consent(self, level: Consent) -> None:
        self._wanted = Consent(level)
        if self._process != os.getpid() and not self._process:
            self._open()  # with what is wanted now; OFF deletes what an earlier run left
            return
        if handle := self._open():
            _check(_library.load().hg_set_consent(handle, int(self._wanted)))

    def flush(self, timeout: float = 0) -> int:
        """Seal what was counted and try for timeout seconds to deliver it. Return how many segments remain."""
        handle = self._open()
        return _check(_library.load().hg_flush(handle, _milliseconds(timeout))) if handle else 0

    def shutdown(self, timeout: float = 2) -> int:
        """Flush and close for good. What remains waits for the next run."""
        with self._lock:
            handle, self._handle = (self._handle, 0) if self._process == os.getpid() else (0, 0)
            self._process, self._trouble = os.getpid(), self._trouble or "the agent was shut down"
        return _check(_library.load().hg_shutdown(handle, _milliseconds(timeout))) if handle else 0

    def sent(self) -> str:
        """Return, for the user, what has left this device and to whom."""
        handle = self._open()
        if not handle:
            return ""
        lib = _library.load()
        text = ctypes.create_string_buffer(_check(lib.hg_sent(handle, None, 0)) + 1)
        _check(lib.hg_sent(handle, text, len(text)))
        return text.value.decode("utf-8", "replace")

    def stats(self) -> Stats:
        """Return what was done so far; all 0 if the agent did not open."""
        s = _library.Stats(ctypes.sizeof(_library.Stats))
        if handle := self._open():
            _check(_library.load().hg_get_stats(handle, ctypes.byref(s)))
        return Stats(**{name: getattr(s, name) for name, *_ in _library.Stats._fields_[1:]})

    def install(self, *, exceptions: bool = True, at_exit: float | None = 2) -> None:
        """Capture exceptions that nobody catches, in any thread, and deliver for at_exit seconds when the
        program ends; None: not. The hooks that were there before are called as ever.
        """
        if self._hooks is not None:
            return
        self._hooks = (sys.excepthook, threading.excepthook)
        if at_exit is not None:
            atexit.register(self._leave, at_exit)
        if not exceptions:
            return
        before, before_thread = self._hooks

        def hook(kind: type[BaseException], error: BaseException, tb: types.TracebackType | None) -> None:
            self._uncaught(error)
            before(kind, error, tb)

        def thread_hook(args: threading.ExceptHookArgs) -> None:
            if args.exc_value is not None:
                self._uncaught(args.exc_value)
            before_thread(args)

        sys.excepthook, threading.excepthook = hook, thread_hook

    def _uncaught(self, error: BaseException) -> None:
        if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit)):
            return
        try:
            self.capture_exception(error, kind=KIND_PANIC)
            self.flush(0)  # to the disk
        except Exception as e:
            self._trouble = f"an exception was not captured: {e!r}"

    def _leave(self, timeout: float) -> None:
        if self._process != os.getpid():  # not used here
            return
        try:
            self.shutdown(timeout)
        except Exception as e:
            self._trouble = f"the last reports were not delivered: {e!r}"


def _unlock(agent: Agent | None) -> None:
    """Give a forked child a lock that no thread of its parent holds."""
    if agent is not None:
        agent._lock = threading.Lock()


def _text(s: str | None) -> bytes | None:
    return None if s is None else s.encode("utf-8", "replace").replace(b"\0", b"")


def _trace(id: bytes) -> Any:
    return (ctypes.c_uint8 * 16)(*id) if len(id) == 16 else (ctypes.c_uint8 * 16)()


def _milliseconds(seconds: float, whole: Callable[[float], int] = int) -> int:
    return min(max(whole(seconds * 1000), 0), 2**32 - 1)


def _meaning(lib: ctypes.CDLL, code: int) -> str:
    text: bytes = lib.hg_error_text(code)
    return text.decode()


def _check(code: int) -> int:
    if code < 0:
        raise Error(code, _meaning(_library.load(), code))
    return code


def _qualified(frame: types.FrameType) -> str:
    name: str = getattr(frame.f_code, "co_qualname", frame.f_code.co_name)  # since Python 3.11
    return f"{frame.f_globals.get('__name__', '')}.{name}".lstrip(".")


def _stack(tb: types.TracebackType | None) -> list[tuple[types.FrameType, str, int]]:
    """Return the frames of a traceback, the innermost first, without reading source files."""
    frames = []
    while tb is not None:
        frames.append((tb.tb_frame, tb.tb_frame.f_code.co_filename, tb.tb_lineno))
        tb = tb.tb_next
        if len(frames) > 10 * _MAX_FRAMES:  # a recursion without end: keep the innermost
            del frames[:-_MAX_FRAMES]
    return frames[::-1][:_MAX_FRAMES]
