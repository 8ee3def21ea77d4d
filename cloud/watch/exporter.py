"""Where Prometheus asks: a listener of its own, beside the API, for all processes together.

The API's processes count in files of one folder (prometheus_client's multi-process mode), which
must be named before that library is first loaded; so nothing here is imported by who doesn't
listen.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from cloud.settings import Settings, Unfit, host_and_port

if TYPE_CHECKING:
    from cloud.watch.requests import Requests

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def exported(settings: Settings, *, figures: bool) -> Iterator[None]:
    """Answer Prometheus while this lasts, if the settings name a place to listen at.

    `figures`: the business's too; one process of a service is enough. Raises `Unfit` where nothing
    can listen there.
    """
    if not settings.metrics_listen:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="usher-metrics-") as folder:
        os.environ[FOLDER] = folder
        stop = _listen(settings, folder, figures=figures)
        try:
            yield
        finally:
            stop()
            del os.environ[FOLDER]


def counted() -> "Requests | None":
    """Return what counts this process's requests, if its parent answers Prometheus."""
    if FOLDER not in os.environ:
        return None
    from cloud.watch.requests import Requests

    return Requests()


def _listen(settings: Settings, folder: str, *, figures: bool) -> Callable[[], None]:
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.multiprocess import MultiProcessCollector

    from cloud.watch.figures import Figures
    from cloud.watch.resting import Resting

    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    if figures:
        registry.register(Figures(settings.database_url))
        registry.register(Resting(settings.redis_url))
    host, port = host_and_port(settings.metrics_listen)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise Unfit(
            f"Prometheus can't be answered at {settings.metrics_listen}:"
            f" {os.strerror(error.errno or 0)}. Choose another metrics_listen."
        ) from error

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
