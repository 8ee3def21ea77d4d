"""A collector of traces that takes connections and never answers costs its traces, and no more."""

import socket
import time
from pathlib import Path

from tests.cloud.run.served import served

REQUESTS = 400
KEPT_BACK = "64"  # spans: far fewer than there are
ORDINARY = 4.0  # seconds for a request; the collector is given five


def test_a_silent_collector_slows_no_request_and_not_the_end(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as silent:
        traces = {
            "USHER_TRACE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "USHER_TRACE_SHARE": "1",
            "USHER_WORKERS": "1",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_BSP_MAX_QUEUE_SIZE": KEPT_BACK,
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": KEPT_BACK,
        }
        with served(tmp_path, **traces) as service:
            took = []
            with service.client() as http:
                for _ in range(REQUESTS):
                    began = time.monotonic()
                    assert http.get("/livez").status_code == 200
                    took.append(time.monotonic() - began)
            assert sorted(took)[REQUESTS * 99 // 100] < ORDINARY
            assert service.stop() == 0  # within the time that `stop` gives
        faults = [line for line in service.said().splitlines() if '"route"' not in line]
    assert len(faults) < REQUESTS, "a fault is told once, not for each span"
