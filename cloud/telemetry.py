"""Logs: one JSON object a line on standard error, with the ids of request, tenant and trace.

Nothing personal and no secret is ever passed to a logger: ids, codes, numbers and names of
types alone.
"""

import logging
import sys

import structlog


def configure_logs(level: str = "INFO") -> None:
    """Set up structlog, and pass the standard library's warnings through it."""
    number = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=logging.WARNING, format='{"logger":"%(name)s","level":"%(levelname)s"}'
    )
