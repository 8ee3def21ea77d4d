"""Logs: one JSON object a line on standard error, with the ids of request, tenant and trace.

Nothing personal and no secret is ever passed to a logger: ids, codes, numbers and names of
types alone.
"""

import json
import logging
import sys
from typing import Any

import msgspec
import structlog


def configure_logs(level: str = "INFO") -> None:
    """Set up structlog, and pass the standard library's warnings through it."""
    number = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),  # a line is one write
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Terse())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def _line(event: object, **told: Any) -> str:
    """Return an event as JSON: by msgspec, for every request has one."""
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(event, **told)


class _Terse(logging.Formatter):
    """What a library warns of, by its name and the exception's type: its words and traces may be
    about a person."""

    def format(self, record: logging.LogRecord) -> str:
        kind = record.exc_info[0] if record.exc_info else None
        fault = kind.__name__ if kind else ""
        return (
            f'{{"logger":"{record.name}","level":"{record.levelname.lower()}","fault":"{fault}"}}'
        )
