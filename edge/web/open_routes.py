"""What anybody on the network may ask: how this device does and sounds. Nothing is personal."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from edge.gate import sounds
from edge.web.house import House


@get("/health.json")
async def health(house: NamedDependency[House]) -> dict[str, Any]:
    """Tell how this device does."""
    checks = await house.workers.read(house.health.report)
    status = await house.workers.read(house.gate.board.status)
    return {"status": status, "checks": list(checks)}


@get("/metrics")
async def metrics(house: NamedDependency[House]) -> Response[str]:
    """Tell Prometheus."""
    text = await house.workers.read(house.health.metrics)
    return Response(text, media_type="text/plain; version=0.0.4")


@get("/api/sounds.json", sync_to_thread=False)
def sounding() -> dict[str, Any]:
    """Tell what each verdict sounds and feels like."""
    return sounds.plain()


ROUTES = (health, metrics, sounding)
