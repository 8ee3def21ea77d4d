"""A part of the traces is kept: which one, their numbers say, to every process alike."""

import re
from uuid import uuid4

import pytest

from tests.cloud.run.served import served
from tests.cloud.watch.collector import collecting

HALF = 1 << 63  # of what the lower half of a trace's number may be


def kept(number: str) -> bool:
    return int(number[16:], 16) < HALF


def test_what_is_kept_is_told_by_the_number_that_the_log_has(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    told = {"USHER_TRACE_SHARE": "0.5", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    theirs = [uuid4().hex for _ in range(40)]
    with collecting() as collector:
        folder = tmp_path_factory.mktemp("half")
        with served(folder, USHER_TRACE_URL=collector.url, **told) as service:
            with service.client() as http:
                for number in theirs:
                    http.get("/livez", headers={"traceparent": f"00-{number}-{'1' * 16}-01"})
                    assert http.get("/livez").is_success
            said = service.said()
        sent = {span.trace for span in collector.spans}
    logged = set(re.findall(r'"trace":"([0-9a-f]{32})"', said))
    assert set(theirs) < logged
    assert len(logged) >= 2 * len(theirs)
    assert {number for number in logged if kept(number)} == sent & logged
    assert any(map(kept, logged - set(theirs)))
    assert not all(map(kept, logged - set(theirs)))
