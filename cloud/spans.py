"""What the features need of tracing. Nothing is kept unless cloud/tracing.py has begun to."""

from collections.abc import Mapping
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACER: Final = trace.get_tracer("usher")
FORM: Final = TraceContextTextMapPropagator()


def traceparent() -> str:
    """Return the span that this runs in, as W3C's `traceparent`; "" outside any."""
    carrier: dict[str, str] = {}
    FORM.inject(carrier)
    return carrier.get("traceparent", "")


def following(told: str) -> Context:
    """Return a context that continues a `traceparent`; what is none begins a new trace."""
    carrier: Mapping[str, str] = {"traceparent": told}
    return FORM.extract(carrier, Context())
