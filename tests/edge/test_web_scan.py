"""Scans of browsers and what staff do about them, over HTTP, at a real gate."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree

import httpx
import pytest
import qrcode
from httpx import RemoteProtocolError
from websockets.exceptions import InvalidStatus

from edge.practice.world import EVENT, HOSTILE, NORTH, PIN
from edge.scan.isolated import Frames
from edge.store.database import StorageFailed
from edge.web.limits import Limits
from edge.web.problems import Problem
from edge.web.workers import Places
from shared.wire import IncidentNote
from tests.edge.webfakes import JPEG, KIOSK_KEY, LANE_KEY, OTHER_KEY, Site, open_site

KEY = {"Authorization": f"Bearer {LANE_KEY}"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve one gate for all tests of this file."""
    with open_site(tmp_path_factory.mktemp("scan")) as opened:
        yield opened


@pytest.fixture
def site(served: Site) -> Iterator[Site]:
    """Leave the gate to the next test as it was."""
    yield served
    served.tidy()


def problem(response: httpx.Response) -> tuple[int, str]:
    """Return how a problem is told."""
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def scanned(browser: httpx.Client, text: str) -> dict[str, object]:
    """Return the verdict on a code."""
    response = browser.post("/api/scan", json={"text": text})
    assert response.status_code == 200
    verdict: dict[str, object] = response.json()
    return verdict


def test_a_ticket_is_admitted(site: Site) -> None:
    """The verdict comes back whole."""
    verdict = scanned(site.handheld("Sam Scanner"), site.world.code("seated"))
    assert (verdict["code"], verdict["signal"], verdict["source"]) == (
        "admitted", "green", "handheld",
    )  # fmt: skip
    assert verdict["seat"] == "Block B, row 12, seat 7"


def test_a_keyboards_reading_says_so(site: Site) -> None:
    """The source is kept."""
    said = {"text": site.world.code("revoked"), "source": "keyboard"}
    verdict = site.handheld("Sam Scanner").post("/api/scan", json=said).json()
    assert (verdict["code"], verdict["source"]) == ("revoked", "keyboard")


def test_a_locked_handheld_gets_the_machines_verdict(site: Site) -> None:
    """Not signed in is no error of HTTP: the screen shows that nothing is admitted."""
    verdict = scanned(site.handheld(), site.world.code("standing"))
    assert (verdict["code"], verdict["signal"]) == ("gate_locked", "machine")


@pytest.mark.parametrize(
    "text", ["https://example.com/?" + "x" * 500, HOSTILE, "\x00\x1b[2J", "", "🎟" * 100]
)
def test_what_is_no_ticket_is_never_repeated(site: Site, text: str) -> None:
    """A stranger's code is refused, and no answer has a piece of it."""
    browser = site.handheld("Sam Scanner")
    response = browser.post("/api/scan", json={"text": text})
    assert response.json()["code"] in {"not_a_ticket", "malformed"}
    assert not text or text[:12] not in response.text
    assert not text or text[:12] not in browser.get("/api/recent").text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b'{"text": 5}',
        b'{"text": "x", "source": "camera:front"}',
        b'{"text": "\xff"}',
        b'{"text": "x"} {}',
        b'{"text": "' + b"x" * 9000 + b'"}',
        b"[" * 16_000,
        b'{"a": ' + b"[" * 16_000,
    ],
)
def test_what_is_no_scan_is_refused(site: Site, body: bytes) -> None:
    """A body of another shape gets one code, and none of it comes back."""
    response = site.handheld("Sam Scanner").post("/api/scan", content=body)
    assert problem(response) == (400, "body_malformed")


def test_a_name_that_is_markup_comes_as_text(site: Site) -> None:
    """JSON can't be taken for a page."""
    response = site.handheld("Sam Scanner").post(
        "/api/scan", json={"text": site.world.code("hostile")}
    )
    assert response.json()["name"] == HOSTILE
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_picture_is_read_and_decided(site: Site) -> None:
    """One code in it is a scan; the answer says how many there were."""
    browser = site.handheld("Sam Scanner")
    told = browser.post(
        "/api/frame", content=site.world.code("refunded").encode(), headers=JPEG
    ).json()
    assert (told["seen"], told["verdict"]["code"]) == (1, "refunded")


def test_a_real_picture_is_read_by_the_real_reader(tmp_path: Path) -> None:
    """A JPEG of a ticket, decoded in the worker process, and what is no JPEG."""
    with open_site(tmp_path, frames=Frames()) as site:
        browser = site.handheld("Sam Scanner")
        picture = io.BytesIO()
        qrcode.make(site.world.code("seated")).convert("L").save(picture, "JPEG")
        told = browser.post("/api/frame", content=picture.getvalue(), headers=JPEG).json()
        assert (told["seen"], told["verdict"]["code"]) == (1, "admitted")
        response = browser.post("/api/frame", content=b"\xff\xd8nothing", headers=JPEG)
        assert problem(response) == (400, "picture_unreadable")


def test_a_picture_without_codes_is_no_verdict(site: Site) -> None:
    """Nothing seen, nothing decided."""
    told = site.handheld("Sam Scanner").post("/api/frame", content=b"", headers=JPEG).json()
    assert told == {"verdict": None, "seen": 0}


def test_several_codes_in_a_picture_are_told(site: Site) -> None:
    """Which one is meant is the guest's to say."""
    two = f"{site.world.bulk(2)}\n{site.world.bulk(3)}".encode()
    told = site.handheld("Sam Scanner").post("/api/frame", content=two, headers=JPEG).json()
    assert (told["seen"], told["verdict"]["code"]) == (2, "several_codes")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"!refused", (400, "picture_unreadable")),
        (b"!busy", (503, "frames_busy")),
        (b"!hung", (503, "frames_failed")),
        (b"!died", (503, "frames_failed")),
    ],
)
def test_a_picture_that_is_not_read_says_why(
    site: Site, content: bytes, expected: tuple[int, str]
) -> None:
    """The reader's trouble is not the sender's."""
    response = site.handheld("Sam Scanner").post("/api/frame", content=content, headers=JPEG)
    assert problem(response) == expected


def test_a_gate_without_a_decoder_says_so(tmp_path: Path) -> None:
    """Handhelds then have to read codes by themselves."""
    with open_site(tmp_path, frames=None) as site:
        response = site.handheld("Sam Scanner").post("/api/frame", content=b"x", headers=JPEG)
        assert problem(response) == (503, "no_decoder")


def test_too_many_pictures_at_once_are_refused(tmp_path: Path) -> None:
    """Memory is for a few; a refusal leaves the places as they were."""
    with open_site(tmp_path, limits=Limits(frames_at_once=0)) as site:
        browser = site.handheld("Sam Scanner")
        for _ in range(2):
            response = browser.post("/api/frame", content=b"x", headers=JPEG)
            assert problem(response) == (503, "frames_busy")


def test_places_are_given_back() -> None:
    """Whatever comes of a picture."""
    places = Places(1)
    with places, pytest.raises(Problem, match="frames_busy"), places:
        pass
    with pytest.raises(ValueError, match="odd"), places:
        raise ValueError("odd")
    with places:
        pass


def test_a_camera_that_breaks_ends_its_stream_alone(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """The browser sees an end, the log a place, and the gate goes on."""
    site.cameras.broken = True
    browser = site.kiosk()
    with pytest.raises(RemoteProtocolError):
        browser.get("/preview/front.mjpeg")
    site.cameras.broken = False
    assert "RuntimeError in previews" in caplog.text
    assert "a camera that breaks" not in caplog.text
    assert browser.get("/preview/front.mjpeg").status_code == 200


def test_strangers_send_no_pictures(site: Site) -> None:
    """8 MiB are for those who are signed in."""
    response = site.handheld().post("/api/frame", content=b"x", headers=JPEG)
    assert problem(response) == (403, "not_signed_in")


def test_only_pictures_are_pictures(site: Site) -> None:
    """Another type is refused unread."""
    response = site.handheld("Sam Scanner").post("/api/frame", content=b"x")
    assert problem(response) == (400, "picture_unreadable")


def test_a_large_picture_is_taken_and_a_larger_one_is_not(site: Site) -> None:
    """8 MiB, and not a byte more."""
    browser = site.handheld("Sam Scanner")
    most = b" " * (8 << 20)
    assert browser.post("/api/frame", content=most, headers=JPEG).json()["seen"] == 0
    response = browser.post("/api/frame", content=most + b" ", headers=JPEG)
    assert problem(response) == (413, "body_too_large")


def test_a_group_comes_in_two_parts(site: Site) -> None:
    """Two of four now, and the other two by the same scan."""
    browser = site.handheld("Sam Scanner")
    verdict = scanned(browser, site.world.code("family"))
    assert verdict["left"] == 3
    said = {"scan": verdict["scan"], "act": {"people": 3}}
    more = browser.post("/api/resolve", json=said).json()
    assert (more["code"], more["people"], more["left"]) == ("admitted", 3, 0)


def test_questions_are_answered(site: Site) -> None:
    """Answers travel as JSON's own keys: numbers as text."""
    browser = site.handheld("Sam Scanner")
    verdict = scanned(browser, site.world.code("waiver"))
    assert verdict["code"] == "answers_required"
    said = {"scan": verdict["scan"], "act": {"answers": {"1": "yes", "2": "77"}}}
    assert browser.post("/api/resolve", json=said).json()["code"] == "admitted"


def test_an_override_needs_a_supervisor_and_a_reason(site: Site) -> None:
    """The scanner is refused; with the supervisor's badge and a reason it is admitted."""
    browser = site.handheld("Sam Scanner")
    scan = scanned(browser, site.world.code("blocked"))["scan"]
    asked = {"scan": scan, "act": {"override": "emergency"}}
    assert problem(browser.post("/api/resolve", json=asked)) == (403, "supervisor_only")
    badge = site.world.organizer.badge("Sue Supervisor")
    wrong = {**asked, "act": {"override": "because"}, "badge": badge}
    assert problem(browser.post("/api/resolve", json=wrong)) == (422, "override_reason")
    told = browser.post("/api/resolve", json={**asked, "badge": badge}).json()
    assert told["signal"] == "green"


@pytest.mark.parametrize("act", [{"people": 0}, {"people": 10**9}, {"day": -1}, {"day": 10**9}])
def test_numbers_of_another_world_are_refused(site: Site, act: dict[str, int]) -> None:
    """No gate admits a thousand million people at once."""
    browser = site.handheld("Sue Supervisor")
    said = {"scan": "0" * 16, "act": act}
    assert problem(browser.post("/api/resolve", json=said)) == (400, "body_malformed")
    by_hand = {"ticket": "0" * 32, "act": act}
    assert problem(browser.post("/api/by-hand", json=by_hand)) == (400, "body_malformed")


def test_an_admission_is_taken_back(site: Site) -> None:
    """Undo is green and says so; twice is too often."""
    browser = site.handheld("Sam Scanner")
    scan = scanned(browser, site.world.bulk(4))["scan"]
    assert browser.post("/api/undo", json={"scan": scan}).json()["code"] == "undone"
    assert problem(browser.post("/api/undo", json={"scan": scan})) == (404, "scan_unknown")


def test_a_refusal_can_not_be_taken_back(site: Site) -> None:
    """There is nothing to undo."""
    browser = site.handheld("Sam Scanner")
    scan = scanned(browser, site.world.code("expired"))["scan"]
    response = browser.post("/api/undo", json={"scan": scan})
    assert response.status_code in {404, 409}
    assert response.json()["code"] in {"nothing_to_undo", "scan_unknown"}


def test_a_challenge_is_shown_and_drawn(site: Site) -> None:
    """Eight hex digits, a QR code, and a live ticket that answers."""
    browser = site.handheld("Sam Scanner")
    assert problem(browser.get("/api/challenge.svg")) == (404, "no_challenge")
    challenge = browser.post("/api/challenge").json()["challenge"]
    drawn = browser.get("/api/challenge.svg")
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert drawn.headers["cache-control"] == "no-store"
    assert ElementTree.fromstring(drawn.content).tag.endswith("svg")  # noqa: S314  our own
    at = site.gate.clock.now().seconds
    answer = site.world.live(at, bytes.fromhex(challenge))
    assert scanned(browser, answer)["code"] == "admitted"
    assert problem(browser.get("/api/challenge.svg")) == (404, "no_challenge")


def test_a_challenge_of_one_lane_is_not_anothers(site: Site) -> None:
    """It belongs to the screen it is on."""
    site.handheld("Sam Scanner").post("/api/challenge")
    assert site.handheld("Sam Scanner").get("/api/challenge.svg").status_code == 404


def test_supervisors_find_tickets_and_admit_by_hand(site: Site) -> None:
    """By a word of the name; the ticket then counts as any other."""
    browser = site.handheld("Sue Supervisor")
    found = browser.get("/api/search", params={"q": "two visits"}).json()["found"]
    assert [each["name"] for each in found] == ["Two Visits"]
    said = {"ticket": found[0]["ticket"], "act": {"people": 1}}
    verdict = browser.post("/api/by-hand", json=said).json()
    assert (verdict["signal"], verdict["source"]) == ("green", "hand")


def test_others_find_nobody(site: Site) -> None:
    """Neither a scanner, nor a PIN, nor a stranger can list people."""
    by_pin = site.handheld()
    by_pin.post("/api/sign-in", json={"pin": PIN})
    for browser in (site.handheld("Sam Scanner"), by_pin, site.handheld()):
        response = browser.get("/api/search", params={"q": "two"})
        assert problem(response) == (403, "supervisor_only")
        said = {"ticket": "0" * 32}
        assert problem(browser.post("/api/by-hand", json=said)) == (403, "supervisor_only")


def test_an_unknown_ticket_is_not_admitted_by_hand(site: Site) -> None:
    """The list decides what there is."""
    said = {"ticket": "zz"}
    response = site.handheld("Sue Supervisor").post("/api/by-hand", json=said)
    assert problem(response) == (404, "ticket_unknown")


def test_the_last_scans_come_newest_first(site: Site) -> None:
    """A handheld sees its own lane's."""
    browser = site.handheld("Sam Scanner")
    codes = [scanned(browser, site.world.bulk(index))["scan"] for index in (5, 6, 7)]
    recent = browser.get("/api/recent").json()["recent"]
    assert [verdict["scan"] for verdict in recent] == codes[::-1]


def test_a_kiosks_camera_is_seen_by_its_kiosk_and_technicians(site: Site) -> None:
    """Three pictures, each a part of the stream."""
    for browser in (site.kiosk(), site.handheld("Tom Technician")):
        response = browser.get("/preview/front.mjpeg")
        assert response.headers["content-type"].startswith("multipart/x-mixed-replace; boundary=")
        boundary = response.headers["content-type"].partition("boundary=")[2]
        parts = response.content.split(f"--{boundary}\r\n".encode())
        assert [part.partition(b"\r\n\r\n")[2] for part in parts[1:4]] == [
            b"front 0\r\n", b"front 1\r\n", b"front 2\r\n",
        ]  # fmt: skip


def test_nobody_else_sees_the_camera(site: Site) -> None:
    """Not another kiosk, not a supervisor, not a stranger."""
    for browser in (site.kiosk(key=OTHER_KEY), site.handheld("Sue Supervisor"), site.handheld()):
        assert problem(browser.get("/preview/front.mjpeg")) == (403, "preview_refused")
    assert problem(site.client().get("/preview/front.mjpeg")) == (401, "no_lane")


def test_a_camera_rests_when_nobody_watches(site: Site) -> None:
    """Its process makes previews only while a browser is there to see them."""
    site.cameras.left.clear()
    with site.kiosk(key=OTHER_KEY).stream("GET", "/preview/back.mjpeg") as response:
        watching = response.iter_raw()  # kept: dropping it would hang up
        assert next(watching).startswith(b"--usher-frame")
        assert not site.cameras.left.is_set()
    assert site.cameras.left.wait(20)


@pytest.mark.parametrize(
    "name", ["side.mjpeg", "front", "front.jpeg", ".mjpeg", "front.mjpeg.mjpeg"]
)
def test_a_camera_that_is_not_there_is_not_found(site: Site, name: str) -> None:
    """Only the cameras of the settings have an address."""
    assert problem(site.kiosk().get(f"/preview/{name}")) == (404, "not_found")


def test_a_disk_that_fails_is_never_green(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict is the machine's, and HTTP has nothing to add."""

    def fails(*_: object) -> None:
        raise StorageFailed("no space")

    browser = site.handheld("Sam Scanner")
    monkeypatch.setattr(site.gate.ledger, "append", fails)
    verdict = scanned(browser, site.world.bulk(8))
    assert (verdict["code"], verdict["signal"]) == ("storage_failed", "machine")
    response = browser.post("/api/sign-in", json={"pin": PIN})
    assert problem(response) == (503, "storage_failed")


def test_a_disk_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    """Who a browser is can't be looked up: every way of asking says why."""

    def fails() -> NoReturn:
        raise StorageFailed("no disk")

    with open_site(tmp_path, lane_keys=fails) as site:
        browser = site.client({"Cookie": f"__Host-lane={KIOSK_KEY}", **KEY})
        for path in ("/", "/kiosk", "/handheld", "/api/lane", "/v1/lane"):
            assert problem(browser.get(path)) == (503, "storage_failed")
        key = {"key": KIOSK_KEY}
        assert problem(site.client().get("/kiosk", params=key)) == (503, "storage_failed")
        with pytest.raises(InvalidStatus) as failed:
            site.live(browser, Cookie=f"__Host-lane={KIOSK_KEY}")
        assert failed.value.response.status_code == 503


def test_supervisors_alone_are_told_of_incidents(site: Site) -> None:
    """In the words of the plan, and as the cloud last told them."""
    note = IncidentNote(
        number=3, event=EVENT.hex(), incident="01" * 16, kind="double_admission",
        found=1_800_000_000_000, ticket="00" * 16, state="open", gates=(NORTH,),
        devices=(site.gate.me.device.hex(),),
    )  # fmt: skip
    site.gate.stores.incidents.take([note], 3)
    try:
        (told,) = site.handheld("Sue Supervisor").get("/api/incidents").json()["incidents"]
        assert (told["kind"], told["gates"], told["here"]) == ("double_admission", ["North"], True)
        for browser in (site.handheld("Sam Scanner"), site.handheld()):
            assert problem(browser.get("/api/incidents")) == (403, "supervisor_only")
    finally:
        site.gate.stores.incidents.take([], 0, anew=True)
