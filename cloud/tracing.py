"""Traces: which parts of a request, and of what follows from it, took how long.

Everywhere else only OpenTelemetry's interface is used, which does nothing unless a process has
begun to trace here. What is sent to the collector has SQL's text and addresses without their
queries, and of an exception its type alone: values may be about a person.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from cloud.settings import Settings
from cloud.spans import drawn

SEND_WAIT: Final = 5  # seconds for the collector
ENDPOINT_PATH: Final = "/v1/traces"  # of OTLP over HTTP
# Statements, messages, mail and counts in Redis have spans of our own, by way of cloud/spans.py.
INSTRUMENTS: Final = (HTTPXClientInstrumentor, RedisInstrumentor)
URLS: Final = frozenset({"http.url", "url.full"})
TOLD: Final = frozenset({"exception.type"})


@contextmanager
def traced(settings: Settings, part: str, version: str) -> Iterator[None]:
    """Send this process's traces while this lasts, if the settings say where to.

    `part`: which of the service's processes it is. What is not sent at the end is sent then; a
    collector that is away costs nothing but the traces.
    """
    if not settings.trace_url:
        yield
        return
    provider = provided(settings, part, version)
    trace.set_tracer_provider(provider)
    propagate.set_global_textmap(TraceContextTextMapPropagator())  # no baggage
    instruments = [make() for make in INSTRUMENTS]
    for each in instruments:
        each.instrument(tracer_provider=provider)
    try:
        yield
    finally:
        for each in instruments:
            each.uninstrument()
        provider.shutdown()


def provided(settings: Settings, part: str, version: str) -> TracerProvider:
    """Return what makes and sends spans. Who calls us doesn't choose what is kept: the share is
    ours, of all traces, and the same in every process."""
    ratio = TraceIdRatioBased(settings.trace_share)
    sampler = ParentBased(ratio, remote_parent_sampled=ratio, remote_parent_not_sampled=ALWAYS_OFF)
    told = {"service.name": f"usher-{part}", "service.version": version}
    provider = TracerProvider(
        sampler=sampler,
        resource=Resource(told),
        id_generator=Numbers(),
        shutdown_on_exit=False,
    )
    endpoint = settings.trace_url.rstrip("/") + ENDPOINT_PATH
    sender = Discreet(OTLPSpanExporter(endpoint=endpoint, timeout=SEND_WAIT))
    provider.add_span_processor(BatchSpanProcessor(sender))
    return provider


class Numbers(RandomIdGenerator):
    """Gives a trace the number by which it was chosen to be kept."""

    def generate_trace_id(self) -> int:
        """Return it, or a new one."""
        return drawn() or super().generate_trace_id()


class Discreet(SpanExporter):
    """Sends spans without what may be personal or secret."""

    def __init__(self, sender: SpanExporter) -> None:
        self._sender = sender

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans."""
        return self._sender.export([discreet(span) for span in spans])

    def shutdown(self) -> None:
        """End it."""
        self._sender.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is kept back."""
        return self._sender.force_flush(timeout_millis)


def discreet(span: ReadableSpan) -> ReadableSpan:
    """Return a span without an address's query, and an exception by its type alone."""
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={name: _told(name, value) for name, value in (span.attributes or {}).items()},
        events=[_event(each) for each in span.events],
        links=span.links,
        kind=span.kind,
        status=trace.Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _told(name: str, value: Any) -> Any:
    return str(value).partition("?")[0] if name in URLS else value


def _event(event: Event) -> Event:
    kept = {name: value for name, value in (event.attributes or {}).items() if name in TOLD}
    return Event(event.name, kept, event.timestamp)
