"""A collector of traces: an HTTP server that takes what OTLP's exporters send."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Span(NamedTuple):
    """What is looked at of a span."""

    trace: str
    id: str
    parent: str
    service: str
    name: str
    attributes: dict[str, str]
    links: list[str]  # other traces


class Collector:
    """Keeps everything it is sent."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.raw = b""
        self.spans: list[Span] = []

    def of(self, trace: str) -> list[Span]:
        """Return a trace's spans that have come so far."""
        return [span for span in self.spans if span.trace == trace]

    def until(self, trace: str, enough: Callable[[list[Span]], bool]) -> list[Span]:
        """Return a trace's spans, once they are enough."""
        return self.eventually(lambda: self.of(trace), enough)

    def eventually(
        self, look: Callable[[], list[Span]], enough: Callable[[list[Span]], bool] = bool
    ) -> list[Span]:
        """Return the spans that `look` finds, once they are enough."""
        end = time.monotonic() + 60
        while not enough(found := look()):
            assert time.monotonic() < end, sorted(span.name for span in found)
            time.sleep(0.1)
        return found

    def take(self, body: bytes) -> None:
        """Keep one request's spans."""
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    attributes = {
                        each.key: each.value.string_value or str(each.value.int_value)
                        for each in span.attributes
                    }
                    self.spans.append(
                        Span(
                            span.trace_id.hex(),
                            span.span_id.hex(),
                            span.parent_span_id.hex(),
                            about["service.name"],
                            span.name,
                            attributes,
                            [each.trace_id.hex() for each in span.links],
                        )
                    )


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            collector.take(body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
