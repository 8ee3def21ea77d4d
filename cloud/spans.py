"""What the features need of tracing. Nothing is kept unless cloud/tracing.py has begun to."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from random import getrandbits
from threading import local
from typing import Final

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACER: Final = trace.get_tracer("usher")
FORM: Final = TraceContextTextMapPropagator()
NOWHERE: Final = Context()
NOTHING: Final = nullcontext()
LOW: Final = (1 << 64) - 1  # the bits of a trace's number by which it is kept, as with the SDK
DRAWN: Final = local()
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


class _Within(AbstractContextManager[Span]):
    """Runs something in a span, which ends with it. OpenTelemetry's own way passes through two
    generators, which is half of what a trace costs that isn't kept."""

    __slots__ = ("_span", "_token", "_where")

    def __init__(self, span: Span, where: Context | None = None) -> None:
        self._span = span
        self._where = where

    def __enter__(self) -> Span:
        self._token = context.attach(trace.set_span_in_context(self._span, self._where))
        return self._span

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        context.detach(self._token)
        if kind is not None and issubclass(kind, Exception):
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


def serving(told: str, share: float) -> AbstractContextManager[Span]:
    """Run a request as a part of the trace that its `traceparent` names, or as a new one.

    `share`: of the traces, which are kept. Of the others a request has the number alone, for its
    log lines and its messages: OpenTelemetry takes five times as long to find that out.
    """
    where = following(told)
    named = trace.get_current_span(where).get_span_context() if told else INVALID_SPAN_CONTEXT
    number = named.trace_id or getrandbits(128)
    if number & LOW >= share * (LOW + 1):
        here = SpanContext(number, getrandbits(64), is_remote=False)
        return _Within(NonRecordingSpan(here), NOWHERE)
    if not named.is_valid:
        DRAWN.number = number
    return _Within(TRACER.start_span("request", where, SpanKind.SERVER), where)


def drawn() -> int | None:
    """Take the number that the trace which this thread begins shall have, if that is settled."""
    number: int | None = DRAWN.__dict__.pop("number", None)
    return number


def asking(name: str, told: Mapping[str, str]) -> AbstractContextManager[object]:
    """Run a question to another server as a part of a trace, if that is kept: else at no cost."""
    if not trace.get_current_span().is_recording():
        return NOTHING
    return _Within(TRACER.start_span(name, kind=SpanKind.CLIENT, attributes=told))


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
