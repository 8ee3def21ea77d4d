"""A gate's requests in the cloud's traces, as a collector gets them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.gate.gate import Gate, open_gate
from edge.gate.setup import set_up
from edge.settings import settings_of
from edge.sync.running import running
from tests.cloud.run.market import Market, market
from tests.cloud.run.served import Served, served
from tests.cloud.service import good
from tests.cloud.watch.collector import Collector, Span, collecting

UPLOAD = "POST /v1/tenants/{tenant_id}/logs"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Market]:
    """A service that traces every request."""
    told = {"USHER_TRACE_URL": collector.url, "USHER_TRACE_SHARE": "1"}
    folder = tmp_path_factory.mktemp("traced")
    with served(folder, OTEL_BSP_SCHEDULE_DELAY="100", **told) as service:
        yield market(service, capacity=1)


def gate_of(place: Market, folder: Path, *, trace: bool) -> Gate:
    """Make a gate that the organizer has registered; its log begins with its start."""
    service: Served = place.served
    settings = settings_of(
        {
            "data": str(folder / "data"),
            "run": str(folder / "run"),
            "name": "north",
            "lanes": [{"id": "north", "unattended": True}],
            "cloud": {"origin": service.address, "trace": trace},
        }
    )
    path = f"/v1/tenants/{place.tenant}"
    with service.client(place.owner) as http:
        root = bytes.fromhex(good(http.get(f"{path}/root"))["root"])
        me = set_up(settings.data_folder, place.tenant.bytes, root)
        good(http.post(f"{path}/devices", json={"public": me.pk.hex(), "name": folder.name}))
    return open_gate(settings)


def sent(gate: Gate) -> None:
    """Let it and the cloud talk until the cloud has signed for something of its log."""

    async def talk() -> None:
        signed = asyncio.Event()
        async with running(gate, lambda _: signed.set()), asyncio.timeout(60):
            await signed.wait()

    try:
        asyncio.run(talk())
    finally:
        gate.close()


@pytest.mark.parametrize("trace", [True, False])
def test_an_upload_goes_on_with_the_gates_trace_if_it_is_to(
    place: Market, collector: Collector, tmp_path: Path, *, trace: bool
) -> None:
    begun = len(collector.spans)
    sent(gate_of(place, tmp_path, trace=trace))

    def told() -> list[Span]:
        return [each for each in collector.spans[begun:] if each.name == UPLOAD]

    (upload, *_) = collector.eventually(told)
    known = {each.id for each in collector.spans}
    assert (upload.parent != "", upload.parent in known) == (trace, False)
    below = collector.until(upload.trace, lambda spans: any(s.parent == upload.id for s in spans))
    assert any("db.statement" in each.attributes for each in below)
