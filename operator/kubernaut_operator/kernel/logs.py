"""Logs as one JSON object a line on stderr, with whatever the work in hand is bound to (execution, incident)."""

import logging
import sys

import structlog


def log_as_json(level: str = "info") -> None:
    """Set the process's logging; `level` is Python's name for it."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
