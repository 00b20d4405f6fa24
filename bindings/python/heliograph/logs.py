"""A handler for the logging package."""

from __future__ import annotations

import logging
import threading

from .agent import KIND_LOG, Agent


class Handler(logging.Handler):
    """Records log entries of a level as errors of the application.

    An entry with an exception is that exception. Another is known by its logger's name and by where it
    was logged; its text is told with Consent.DIAGNOSTICS only, scrubbed.
    """

    def __init__(self, agent: Agent, level: int = logging.ERROR) -> None:
        super().__init__(level)
        self._agent = agent
        self._inside = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(self._inside, "emits", False):  # something logs while an entry is recorded
            return
        self._inside.emits = True
        try:
            if record.exc_info and record.exc_info[1] is not None:
                self._agent.capture_exception(record.exc_info[1], kind=KIND_LOG)
            else:
                self._agent.capture(record.name, record.getMessage(), kind=KIND_LOG, frames=[(record.funcName or "", record.pathname, record.lineno)])
        except Exception:
            self.handleError(record)
        finally:
            self._inside.emits = False
