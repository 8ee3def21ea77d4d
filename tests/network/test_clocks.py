"""Gates whose machines have the wrong time, by faketime."""

from collections import defaultdict

from shared.log import hlc
from shared.log.record import Kind
from tests.network.evening import Evening, ticket_of

GUESTS = 4
STEPS = ["in", "out", "in", "out", "in", "out", "in"]
SAID = {"in": {"admitted", "readmitted"}, "out": {"exit"}}
KINDS = {Kind.IN: "in", Kind.OUT: "out"}
HOUR = 3600


def test_clocks_that_are_hours_off_change_nothing(evening: Evening) -> None:
    """Neither what guests are told, nor the order of records, nor what there is to settle; and
    the gates that it befell say so."""
    brief = evening.brief(single=3, often=GUESTS)
    told = evening.play("clocks", brief)
    assert [round(told["off"][name] / HOUR) for name in ("North", "South", "West")] == [5, 0, -3]
    for each in told["stroll"]:
        assert each["said"] in SAID[each["lane"]], each
        assert not each["repeat"], each
    for other in told["prior"].values():
        assert other["said"] == "already_admitted"
        assert -1_000 < other["off"] < 10_000  # milliseconds
    copied = sorted(("double_admission", ticket_of(each["code"])) for each in told["copies"])
    assert [each["said"] for each in told["copies"]] == [["admitted", "admitted"]] * 2
    found = sorted((each["kind"], each["ticket"]) for each in told["agreed"]["findings"])
    assert found == copied
    assert evening.listed(len(copied)) == copied
    assert_in_order(evening, brief.often, told["between"])
    warned = {name: status["clock_warning"] for name, status in told["status"].items()}
    assert warned == {"North": "clock_jumped", "South": "", "West": "clock_jumped"}


def assert_in_order(evening: Evening, codes: tuple[str, ...], between: list[float]) -> None:
    """By their stamps, the records of each guest stand as they happened, and when."""
    passes = defaultdict(list)
    for each in evening.log():
        if each.kind in KINDS:
            passes[each.ticket.hex()].append(each)
    for code in codes:
        stamped = sorted(passes[ticket_of(code)], key=lambda each: each.hlc)
        assert [KINDS[Kind(each.kind)] for each in stamped] == STEPS
        assert [each.gate for each in stamped] == [1, 2, 3, 1, 2, 3, 1]
        for each in stamped:
            assert between[0] - 2 < hlc.wall(each.hlc) / 1000 < between[1] + 2
