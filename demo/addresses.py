"""Where everything is, for whoever keeps the venue running and walks about in it."""

from collections.abc import Iterator

from demo.evening import Evening
from demo.organizer import EMAIL, PASSWORD
from demo.stage import CA


def addresses(evening: Evening) -> Iterator[tuple[str, str]]:
    """Yield what there is, and where."""
    stage, office = evening.stage, evening.organizer.office
    yield "story", f"{stage.site.address}/"
    for gate in stage.gates.values():
        for lane in gate.lanes:
            yield f"kiosk {lane.id}", f"https://{gate.host}/kiosk?key={gate.keys[lane.id]}"
        yield f"handheld {gate.name}", f"https://{gate.host}/handheld"
    for name, code in office.badges.items():
        yield name, f"{code} (a badge, to sign in at a handheld)"
    yield "certificate", f"{stage.folder / CA}: have the browser trust it"
    yield "API", f"{stage.service.address}/v1/openapi.json"
    yield "documentation", f"{stage.service.address}/docs"
    yield "organizer", f"{EMAIL}, password: {PASSWORD}"
    yield "event", f"{stage.service.address}{office.event_path}"
    yield "logs", f"{stage.programs.logs}/*.log"
