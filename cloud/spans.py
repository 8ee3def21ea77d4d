"""What the features need of tracing. Nothing is kept unless cloud/tracing.py has begun to."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACER: Final = trace.get_tracer("usher")
FORM: Final = TraceContextTextMapPropagator()
NOWHERE: Final = Context()
NOTHING: Final = nullcontext()
NONE: Final = nullcontext(trace.INVALID_SPAN)  # the span of a request that nobody traces


def traceparent() -> str:
    """Return the span that this runs in, as W3C's `traceparent`; "" outside any."""
    carrier: dict[str, str] = {}
    FORM.inject(carrier)
    return carrier.get("traceparent", "")


def following(told: str) -> Context:
    """Return a context that continues a `traceparent`; what is none begins a new trace."""
    if not told:
        return NOWHERE
    carrier: Mapping[str, str] = {"traceparent": told}
    return FORM.extract(carrier, NOWHERE)


def serving(told: str) -> AbstractContextManager[Span]:
    """Run a request as a part of the trace that its `traceparent` names, or as a new one."""
    return TRACER.start_as_current_span("request", following(told), SpanKind.SERVER)


def asking(name: str, told: Mapping[str, str]) -> AbstractContextManager[object]:
    """Run a question to another server as a part of a trace, if that is kept: else at no cost."""
    if not trace.get_current_span().is_recording():
        return NOTHING
    return TRACER.start_as_current_span(
        name, kind=SpanKind.CLIENT, attributes=told, record_exception=False
    )


@contextmanager
def joining(name: str, told: str, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[Span]:
    """Run a part of the trace that a `traceparent` names, linked to the span this runs in.

    What names none, or this very trace, is a part of this one.
    """
    here = trace.get_current_span().get_span_context()
    there = following(told)
    named = trace.get_current_span(there).get_span_context()
    if not named.is_valid or named.trace_id == here.trace_id:
        with TRACER.start_as_current_span(name, kind=kind) as span:
            yield span
        return
    links = [Link(here)] if here.is_valid else []
    with TRACER.start_as_current_span(name, there, kind, links=links) as span:
        yield span
