"""What anybody on the network may ask: how this device does. Nothing personal is in it."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

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


ROUTES = (health, metrics)
