"""What screens hear while they are open."""

import itertools
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from edge.gate.bus import Listener
from edge.store.database import StorageFailed
from edge.web.limits import Limits
from tests.edge.webfakes import KIOSK_KEY, Site, keys, open_site
from tests.edge.webscreens import PATIENCE, Screen

SILENT = Limits(beat_seconds=3600.0)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve a gate whose screens get no beat but the first: what comes has been caused."""
    with open_site(tmp_path_factory.mktemp("live"), limits=SILENT) as opened:
        yield opened


@pytest.fixture
def site(served: Site) -> Iterator[Site]:
    """Leave the gate to the next test as it was."""
    yield served
    served.tidy()


def heard(socket: Screen) -> dict[str, Any]:
    """Return the next message."""
    message: dict[str, Any] = json.loads(socket.recv())
    return message


def greeted(socket: Screen) -> list[dict[str, Any]]:
    """Return what every new screen hears."""
    first = [heard(socket), heard(socket)]
    assert [each["type"] for each in first] == ["lane", "beat"]
    return first


def test_a_new_screen_hears_all_that_it_needs(site: Site) -> None:
    """The lane, then how everything is."""
    browser = site.handheld("Sam Scanner")
    lane, beat = greeted(site.live(browser))
    assert lane["lane"] == browser.get("/api/lane").json()["lane"]
    assert lane["challenge"] == ""
    assert beat["status"]["ready"] is True
    assert beat["counts"]["zone_name"] == "Arena"


def test_a_late_screen_hears_the_verdict_on_show(site: Site) -> None:
    """Whoever opens the page after the scan sees what the others see."""
    browser = site.handheld("Sam Scanner")
    verdict = browser.post("/api/scan", json={"text": site.world.bulk(1)}).json()
    screen = site.live(browser)
    greeted(screen)
    assert heard(screen) == {"type": "verdict", "verdict": verdict}


def test_a_verdict_reaches_every_screen_of_the_lane_and_no_other(site: Site) -> None:
    """Two screens of one lane hear it; another lane hears its own next one first."""
    browser, other = site.handheld("Sam Scanner"), site.handheld("Sue Supervisor")
    screens = [site.live(browser), site.live(browser)]
    elsewhere = site.live(other)
    for screen in (*screens, elsewhere):
        greeted(screen)
    verdict = browser.post("/api/scan", json={"text": site.world.bulk(2)}).json()
    assert [heard(screen)["verdict"] for screen in screens] == [verdict, verdict]
    theirs = other.post("/api/scan", json={"text": site.world.bulk(3)}).json()
    assert heard(elsewhere)["verdict"] == theirs


def test_a_kiosk_hears_what_its_camera_saw(site: Site) -> None:
    """A verdict comes from the station, whoever asked."""
    browser = site.kiosk("Sam Scanner")
    screen = site.live(browser)
    greeted(screen)
    site.gate.station.scan(site.world.bulk(4), "kiosk", "camera:front")
    assert heard(screen)["verdict"]["source"] == "camera:front"


def test_a_screen_hears_of_staff_posts_practice_and_challenges(site: Site) -> None:
    """Whatever changes the lane is told."""
    browser = site.handheld()
    screen = site.live(browser)
    greeted(screen)
    site.sign_in(browser, "Sam Scanner")
    assert heard(screen)["lane"]["session"]["name"] == "Sam Scanner"
    assert heard(screen)["lane"]["gate_name"] == "North"
    browser.post("/api/lane/practice", json={"on": True})
    assert heard(screen)["lane"]["practice"] is True
    challenge = browser.post("/api/challenge").json()["challenge"]
    assert heard(screen)["challenge"] == challenge
    browser.post("/api/sign-out")
    assert heard(screen)["lane"]["session"] is None


def test_a_screen_may_say_that_it_is_here(site: Site) -> None:
    """It goes on hearing."""
    browser = site.handheld("Sam Scanner")
    screen = site.live(browser)
    greeted(screen)
    screen.send('{"type":"here"}')
    browser.post("/api/challenge")
    assert heard(screen)["type"] == "lane"


@pytest.mark.parametrize(
    "said", ["", "{}", "here", '{"type":"beat"}', b'{"type":"here"}', "[" * 900, "x" * 1024]
)
def test_a_screen_that_says_anything_else_is_hung_up_on(site: Site, said: str | bytes) -> None:
    """Nothing but `here` is for this gate's ears."""
    screen = site.live(site.handheld())
    greeted(screen)
    screen.send(said)
    assert screen.end()[0] == 1008


def test_a_long_message_is_not_even_taken_in(site: Site) -> None:
    """Beyond 1 KiB the connection ends by the protocol's own code."""
    screen = site.live(site.handheld())
    greeted(screen)
    screen.send("x" * 1025)
    assert screen.end()[0] == 1009


def test_a_lane_that_is_gone_is_told(site: Site) -> None:
    """The page is to ask for another."""
    browser = site.handheld()
    lane = browser.get("/api/lane").json()["lane"]["id"]
    screen = site.live(browser)
    greeted(screen)
    gone = site.gate.lanes._lanes.pop(lane)
    site.gate.lanes.changed(gone)
    assert screen.end() == (4404, "lane_unknown")


def test_a_screen_that_left_is_forgotten(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody talks to the dead: the bus has no listener more than before."""
    bus, forgotten = site.gate.bus, threading.Event()
    forget, before = bus.forget, bus._listeners

    def noted(listener: Listener) -> None:
        forget(listener)
        forgotten.set()

    monkeypatch.setattr(bus, "forget", noted)
    with site.live(site.handheld("Sam Scanner")) as leaves:
        greeted(leaves)
        assert len(bus._listeners) == len(before) + 1
    assert forgotten.wait(PATIENCE)
    assert bus._listeners == before


def refused(site: Site, cookie: str | None, **headers: str) -> tuple[int, dict[str, Any]]:
    """Return how a handshake failed."""
    browser = site.handheld("Sam Scanner")
    sent = headers if cookie is None else {"Cookie": cookie, **headers}
    with pytest.raises(InvalidStatus) as failed:
        site.live(browser, **sent)
    response = failed.value.response
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert response.body is not None
    return response.status_code, json.loads(response.body)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost", "null", "https://localhost", ""]
)
def test_other_sites_hear_nothing(site: Site, origin: str) -> None:
    """A page from elsewhere has the cookie of this browser, and is told nothing by it."""
    status, told = refused(site, None, Origin=origin)
    assert (status, told["code"]) == (403, "origin")


@pytest.mark.parametrize("cookie", ["", "__Host-lane=", "__Host-lane=nonsense", "other=1"])
def test_strangers_hear_nothing(site: Site, cookie: str) -> None:
    """Without a lane there is nothing to tell."""
    status, told = refused(site, cookie)
    assert (status, told["code"]) == (401, "no_lane")


def test_a_wrong_host_hears_nothing(site: Site) -> None:
    """A name that is not ours, as DNS rebinding would use, is turned away."""
    origin = f"https://evil.example:{site.port}"
    status, told = refused(site, f"__Host-lane={KIOSK_KEY}", host="evil.example", Origin=origin)
    assert (status, told["code"]) == (421, "wrong_host")


def test_a_handshake_that_breaks_something_is_told_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours is a problem like any other, before the socket is open."""

    def broken(_: str) -> None:
        raise RuntimeError("text of a ticket")

    browser = site.handheld()
    monkeypatch.setattr(site.gate.lanes, "by_token", broken)
    with pytest.raises(InvalidStatus) as failed:
        site.live(browser)
    response = failed.value.response
    assert response.body is not None
    assert (response.status_code, json.loads(response.body)["code"]) == (500, "server_fault")
    assert b"ticket" not in response.body


def test_beats_come(tmp_path: Path) -> None:
    """One after the other, each with the state of its moment."""
    with open_site(tmp_path, limits=Limits(beat_seconds=0.01)) as site:
        browser = site.handheld("Sam Scanner")
        screen = site.live(browser)
        greeted(screen)
        beats = [heard(screen) for _ in range(3)]
        assert {beat["type"] for beat in beats} == {"beat"}
        assert beats[0]["status"]["at"] <= beats[2]["status"]["at"]
        browser.post("/api/scan", json={"text": site.world.bulk(5)})
        while heard(screen).get("counts", {}).get("entered") != 1:
            pass


def test_a_kiosk_whose_key_was_replaced_hears_no_more(tmp_path: Path) -> None:
    """Whoever has the old key is cut off, open socket or not."""
    known = dict(keys())
    limits = Limits(beat_seconds=0.01)
    with open_site(tmp_path, limits=limits, lane_keys=lambda: known) as site:
        kiosk, handheld = site.kiosk("Sam Scanner"), site.handheld("Sam Scanner")
        screen, other = site.live(kiosk), site.live(handheld)
        greeted(screen)
        known.clear()
        assert screen.end() == (4404, "lane_unknown")
        greeted(other)
        assert heard(other)["type"] == "beat"


def test_a_kiosk_hears_on_while_the_disk_fails(tmp_path: Path) -> None:
    """Its screen is where staff are told of it."""
    asked = itertools.count()

    def fails() -> Mapping[str, str]:
        if next(asked) == 0:  # when the browser was bound
            return keys()
        raise StorageFailed("no disk")

    limits = Limits(beat_seconds=0.01)
    with open_site(tmp_path, limits=limits, lane_keys=fails) as site:
        screen = site.live(site.kiosk())
        greeted(screen)
        assert {heard(screen)["type"] for _ in range(5)} == {"beat"}
        assert next(asked) > 5


def test_a_gate_that_does_not_answer_has_no_beat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A beat is never sent from a timer alone: a broken board ends the connection."""
    with open_site(tmp_path, limits=Limits(beat_seconds=0.01)) as site:
        screen = site.live(site.handheld())
        greeted(screen)

        def broken() -> None:
            raise RuntimeError("text of a ticket")

        monkeypatch.setattr(site.gate.board, "status", broken)
        code, reason = screen.end()
        assert code == 4500
        assert "ticket" not in reason
