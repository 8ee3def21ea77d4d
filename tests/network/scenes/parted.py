"""The internet is cut, then the LAN; copies come to both sides; then all is mended."""

from collections.abc import Iterator
from typing import Any

from tests.network.brief import given
from tests.network.venue import Venue, tell, venue

ALONE, TOGETHER = "North", ("South", "West")
EACH = 6  # tickets for each part of the evening


def entries(hall: Venue, codes: Iterator[str]) -> list[dict[str, str]]:
    """Let guests in at each gate in turn; return who came where, and what they were told."""
    came = []
    for _ in range(EACH // len(hall.gates)):
        for name, gate in hall.gates.items():
            code = next(codes)
            came.append({"code": code, "at": name, "said": gate.scan(code)["code"]})
    return came


def copies(hall: Venue, codes: Iterator[str]) -> list[dict[str, Any]]:
    """Hold codes up alone on one side, then at both gates of the other."""
    came = []
    for number in range(EACH):
        code = next(codes)
        first, second = TOGETHER if number % 2 else TOGETHER[::-1]
        said = [hall.gates[name].scan(code)["code"] for name in (ALONE, first, second)]
        came.append({"code": code, "said": said})
    return came


def play(hall: Venue, codes: Iterator[str]) -> dict[str, Any]:
    """Play the evening; return what was said at each part of it."""
    hall.open()
    told: dict[str, Any] = {"whole": entries(hall, codes)}
    hall.agreed()
    hall.cut_internet()
    hall.noticed(lambda status: status["link"] == "peers", "the internet is missed")
    told["offline"] = entries(hall, codes)
    hall.lan.cut({ALONE}, TOGETHER)
    hall.noticed(lambda status: status["link"] == "alone", f"{ALONE} is alone", ALONE)
    hall.noticed(lambda status: status["peers"] == 1, "the others are two", *TOGETHER)
    told["copies"] = copies(hall, codes)
    told["parted"] = entries(hall, codes)
    told["different"] = hall.gates_agree() is None
    hall.lan.heal()
    told["healed"] = hall.agree_without_cloud()
    told["unheard"] = hall.organizer.summary()["entered"]
    hall.mend_internet()
    told["agreed"] = hall.agreed()
    told["again"] = [
        gate.scan(each["code"])["code"] for each in told["copies"] for gate in hall.gates.values()
    ]
    return told


def main() -> None:
    """Play it."""
    brief = given()
    with venue(brief) as hall:
        tell(play(hall, iter(brief.single)))


if __name__ == "__main__":
    main()
