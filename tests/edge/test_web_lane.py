"""Signing in, choosing a post and practising, over HTTP."""

from collections.abc import Iterator

import httpx
import pytest

from edge.practice.world import EVENT, NORTH, PIN, WAY_OUT
from edge.web import tokens
from tests.edge.webfakes import Site, open_site


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve one gate for all tests of this file."""
    with open_site(tmp_path_factory.mktemp("lane")) as opened:
        yield opened


@pytest.fixture
def site(served: Site) -> Iterator[Site]:
    """Leave the gate to the next test as it was."""
    yield served
    served.tidy()


def code(response: httpx.Response) -> tuple[int, str]:
    """Return how a problem is told."""
    assert response.headers["content-type"] == "application/problem+json"
    told = response.json()
    assert set(told) == {"type", "title", "status", "code"}
    assert told["status"] == response.status_code
    return response.status_code, told["code"]


def test_the_lane_is_told_whole(site: Site) -> None:
    """A page needs one request to begin."""
    told = site.handheld("Sue Supervisor").get("/api/lane").json()
    assert set(told) == {"lane", "status", "counts", "posts", "languages", "quick_reasons"}
    assert told["lane"]["session"]["role"] == "supervisor"
    assert told["lane"]["gate_name"] == "North"
    assert told["posts"][0]["gates"][0] == {
        "id": NORTH, "name": "North", "zone_name": "Arena", "direction": "both",
    }  # fmt: skip
    assert told["languages"] == ["en", "es"]
    assert "emergency" in told["quick_reasons"]
    assert told["counts"]["zone_name"] == "Arena"


def test_a_pin_opens_scanning(site: Site) -> None:
    """The PIN's session is told, and the lane has it until it is locked."""
    browser = site.handheld()
    session = browser.post("/api/sign-in", json={"pin": PIN}).json()
    assert (session["name"], session["role"], session["by"]) == ("Pat Pin", "scan", "pin")
    assert browser.get("/api/lane").json()["lane"]["session"] == session
    out = browser.post("/api/sign-out")
    assert (out.status_code, out.content) == (204, b"")
    assert browser.get("/api/lane").json()["lane"]["session"] is None


def test_wrong_pins_are_refused_until_pins_close_and_a_badge_opens_them(site: Site) -> None:
    """The gate counts the tries; HTTP tells of them."""
    browser = site.handheld()
    tried = [code(browser.post("/api/sign-in", json={"pin": "9999"})) for _ in range(5)]
    assert tried == [(403, "pin_wrong")] * 4 + [(403, "pin_locked")]
    assert code(browser.post("/api/sign-in", json={"pin": PIN})) == (403, "pin_locked")
    site.sign_in(browser, "Sam Scanner")
    assert browser.post("/api/sign-in", json={"pin": PIN}).status_code == 200


@pytest.mark.parametrize("badge", ["UB1:", "not a badge", "UB1:" + "A" * 50])
def test_what_is_no_badge_is_refused(site: Site, badge: str) -> None:
    """A badge that can't be read has its own code."""
    assert code(site.handheld().post("/api/sign-in", json={"badge": badge})) == (
        403,
        "badge_malformed",
    )


def test_a_strangers_badge_is_refused(site: Site) -> None:
    """A badge that reads well and is on no list."""
    badge = site.world.organizer.badge("Somebody Else")
    response = site.handheld().post("/api/sign-in", json={"badge": badge})
    assert code(response) == (403, "badge_unknown")
    assert badge not in response.text


@pytest.mark.parametrize("said", [{}, {"pin": "1234", "badge": "x"}, {"pin": 1234}, [], "1234"])
def test_signing_in_takes_one_of_the_two(site: Site, said: object) -> None:
    """Neither, both, or another type is no sign-in."""
    response = site.handheld().post("/api/sign-in", json=said)
    assert code(response) == (400, "body_malformed")


def test_a_post_is_chosen(site: Site) -> None:
    """An exit gate, in its direction."""
    browser = site.handheld("Sam Scanner")
    post = {"event": EVENT.hex(), "gate": WAY_OUT, "exiting": True}
    state = browser.post("/api/lane/post", json=post).json()
    assert (state["gate_name"], state["exiting"]) == ("Way out", True)


@pytest.mark.parametrize(
    ("event", "gate", "exiting", "expected"),
    [
        ("00", NORTH, False, "post_event"),
        ("not hex", NORTH, False, "post_event"),
        (EVENT.hex(), 99, False, "post_gate"),
        (EVENT.hex(), WAY_OUT, False, "post_direction"),
    ],
)
def test_an_impossible_post_is_refused(
    site: Site, event: str, gate: int, exiting: bool, expected: str
) -> None:
    """Each way of being impossible has its own code."""
    browser = site.handheld("Sam Scanner")
    post = {"event": event, "gate": gate, "exiting": exiting}
    assert code(browser.post("/api/lane/post", json=post)) == (422, expected)


def test_nobody_posts_a_locked_lane(site: Site) -> None:
    """Choosing a post and practising need somebody signed in."""
    browser = site.handheld()
    post = {"event": EVENT.hex(), "gate": NORTH}
    assert code(browser.post("/api/lane/post", json=post)) == (403, "not_signed_in")
    assert code(browser.post("/api/lane/practice", json={"on": True})) == (403, "not_signed_in")


def test_practice_begins_and_ends(site: Site) -> None:
    """The lane's state says so."""
    browser = site.handheld("Sam Scanner")
    for on in (True, False):
        state = browser.post("/api/lane/practice", json={"on": on}).json()
        assert state["practice"] is on


def test_one_lane_sees_nothing_of_another(site: Site) -> None:
    """A cookie speaks for its own lane: sessions, scans and undo of another are out of reach."""
    theirs, mine = site.handheld("Sue Supervisor"), site.handheld("Sam Scanner")
    verdict = theirs.post("/api/scan", json={"text": site.world.bulk(1)}).json()
    assert mine.get("/api/recent").json() == {"recent": []}
    assert code(mine.post("/api/undo", json={"scan": verdict["scan"]})) == (404, "scan_unknown")
    assert mine.get("/api/lane").json()["lane"]["session"]["name"] == "Sam Scanner"
    mine.post("/api/sign-out")
    assert theirs.get("/api/lane").json()["lane"]["session"]["name"] == "Sue Supervisor"


def test_a_full_house_is_told(site: Site) -> None:
    """With somebody signed in at as many handhelds as there can be, one more is refused."""
    from edge.gate.lanes import MOST_HANDHELDS
    from edge.gate.sessions import OnDuty
    from edge.gate.state import Session

    busy = OnDuty(Session("Pat Pin", "scan", "pin", 0), bytes(16), active=1e12)
    made = []
    for number in range(MOST_HANDHELDS):
        state = site.gate.lanes.open_handheld(f"{number:016x}" + "0" * 48)
        site.gate.lanes.lane(state.id).duty = busy
        made.append(state.id)
    try:
        response = site.client().get("/handheld")
        assert code(response) == (503, "too_many_lanes")
        assert "set-cookie" not in response.headers
        strange = {"Cookie": f"__Host-lane={tokens.new_token()}"}
        assert code(site.client().get("/api/lane", headers=strange)) == (503, "too_many_lanes")
    finally:
        for lane in made:
            site.gate.lanes.lane(lane).duty = None
