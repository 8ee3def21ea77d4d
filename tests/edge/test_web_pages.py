"""What browsers are shown: pages, languages, files, and which lane is theirs."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge.gate import sounds
from edge.practice.world import HOSTILE
from edge.web import words
from edge.web.assets import Assets
from edge.web.screens import Screens
from edge.web.words import Languages
from tests.edge.webfakes import CHECK, KIOSK_KEY, LANE_KEY, OTHER_KEY, Site, open_site

HTML = "text/html; charset=utf-8"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve one gate for all tests of this file."""
    with open_site(tmp_path_factory.mktemp("pages")) as opened:
        yield opened


@pytest.fixture
def site(served: Site) -> Iterator[Site]:
    """Leave the gate to the next test as it was."""
    yield served
    served.tidy()


def test_a_strange_browser_is_sent_to_the_handheld(site: Site) -> None:
    """Without a cookie, the start is the handheld's page."""
    response = site.client().get("/")
    assert (response.status_code, response.headers["location"]) == (303, "/handheld")


def test_a_kiosk_is_sent_to_the_kiosk(site: Site) -> None:
    """With a kiosk's cookie, both the start and the handheld's page lead to the kiosk."""
    browser = site.kiosk()
    for path in ("/", "/handheld"):
        response = browser.get(path)
        assert (response.status_code, response.headers["location"]) == (303, "/kiosk")


def test_a_handheld_gets_a_lane_and_keeps_it(site: Site) -> None:
    """The first look at the page brings a cookie, the second none, and the lane stays."""
    browser = site.client()
    first = browser.get("/handheld")
    assert first.headers["content-type"] == HTML
    assert "set-cookie" in first.headers
    lane = browser.get("/api/lane").json()["lane"]
    assert (lane["kind"], lane["session"]) == ("handheld", None)
    assert "set-cookie" not in browser.get("/handheld").headers
    assert browser.get("/api/lane").json()["lane"]["id"] == lane["id"]


def test_two_handhelds_have_two_lanes(site: Site) -> None:
    """Each browser is a lane of its own."""
    lanes = {site.handheld().get("/api/lane").json()["lane"]["id"] for _ in range(2)}
    assert len(lanes) == 2


def test_the_cookie_is_for_this_origin_and_no_script(site: Site) -> None:
    """The lane's cookie has every attribute that keeps it in."""
    name, *attributes = site.client().get("/handheld").headers["set-cookie"].split("; ")
    assert name.startswith("__Host-lane=")
    assert {each.lower() for each in attributes} == {
        "httponly", "secure", "samesite=strict", "path=/", "max-age=34560000",
    }  # fmt: skip


def test_the_gate_never_sees_a_cookie(site: Site) -> None:
    """No lane's name has anything of the token in it."""
    browser = site.handheld()
    token = browser.cookies["__Host-lane"]
    assert token[:16] not in browser.get("/api/lane").text


@pytest.mark.parametrize(
    "token", ["short", "x" * 44, "..........................................."]
)
def test_a_cookie_that_we_never_made_is_replaced(site: Site, token: str) -> None:
    """What does not look like a token of ours names no lane."""
    browser = site.client()
    response = browser.get("/handheld", headers={"Cookie": f"__Host-lane={token}"})
    assert "__Host-lane=" in response.headers["set-cookie"]
    asked = browser.get("/api/lane", headers={"Cookie": f"__Host-lane={token}"})
    assert asked.status_code == 401


def test_a_handheld_that_the_gate_forgot_comes_back(site: Site) -> None:
    """After a restart the cookie alone brings the lane back, with nobody signed in."""
    browser = site.handheld("Sam Scanner")
    lane = browser.get("/api/lane").json()["lane"]["id"]
    del site.gate.lanes._lanes[lane]
    again = browser.get("/api/lane").json()["lane"]
    assert (again["id"], again["session"], again["gate_name"]) == (lane, None, "North")


def test_a_key_binds_a_browser_to_its_kiosk(site: Site) -> None:
    """The key is taken out of the address at once, and the cookie is set."""
    response = site.client().get("/kiosk", params={"key": OTHER_KEY})
    assert (response.status_code, response.headers["location"]) == (303, "/kiosk")
    assert "HttpOnly" in response.headers["set-cookie"]
    browser = site.kiosk(key=OTHER_KEY)
    assert "kiosk-2" in browser.get("/kiosk").text
    assert browser.get("/api/lane").json()["lane"]["id"] == "kiosk-2"


@pytest.mark.parametrize("key", ["wrong", "A" * 43, KIOSK_KEY[:-1], KIOSK_KEY + "A", "%00", "é"])
def test_a_wrong_key_binds_nothing(site: Site, key: str) -> None:
    """A key that is no kiosk's gets 403 and no cookie."""
    response = site.client().get("/kiosk", params={"key": key})
    assert (response.status_code, response.json()["code"]) == (403, "kiosk_key")
    assert "set-cookie" not in response.headers


def test_a_third_partys_key_is_no_kiosks(site: Site) -> None:
    """A key opens a lane of its own kind alone."""
    browser = site.client()
    assert browser.get("/kiosk", params={"key": LANE_KEY}).status_code == 403
    asked = browser.get("/api/lane", headers={"Cookie": f"__Host-lane={LANE_KEY}"})
    assert asked.json()["lane"]["kind"] == "handheld"


def test_an_unbound_browser_is_told_how_to_bind_it(site: Site) -> None:
    """The kiosk's page without a kiosk explains itself; a handheld is none either."""
    for browser in (site.client(), site.handheld()):
        response = browser.get("/kiosk")
        assert (response.status_code, response.headers["content-type"]) == (200, HTML)
        assert "Bind &lt;it&gt;" in response.text


def test_health_is_there_for_anybody_and_escaped(site: Site) -> None:
    """Nobody signs in to see health, and no check can write markup."""
    response = site.client().get("/health")
    assert response.status_code == 200
    assert "&lt;b&gt;12 GB&lt;/b&gt;" in response.text
    assert "<b>" not in response.text


def test_health_is_there_for_machines(site: Site) -> None:
    """The same as JSON, and Prometheus' text."""
    told = site.client().get("/health.json").json()
    assert told["checks"] == [CHECK]
    assert told["status"]["ready"] is True
    metrics = site.client().get("/metrics")
    assert metrics.text == "usher_up 1\n"
    assert metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_sounds_are_the_gates_own(site: Site) -> None:
    """Pages and the gate's speaker have one table."""
    assert site.client().get("/api/sounds.json").content == msgspec.json.encode(sounds.plain())


def test_our_own_pages_are_whole(tmp_path: Path) -> None:
    """In every language each page renders, its words are there, and so are its files."""
    with open_site(tmp_path, shown=lambda _: None) as site:
        kiosk, handheld = site.kiosk("Sue Supervisor"), site.handheld("Sue Supervisor")
        for language in handheld.get("/api/lane").json()["languages"]:
            pages = [(kiosk, "/kiosk"), (handheld, "/kiosk"), (handheld, "/handheld")]
            for browser, path in (*pages, (handheld, "/health")):
                text = browser.get(path, params={"lang": language}).text
                assert f'<html lang="{language}"' in text
                assert not re.findall(r">\s*[a-z_]+(?:\.[a-z_]+)+\s*<", text)
                for address in set(re.findall(r'"(/static/[^"]+)"', text)):
                    assert handheld.get(address).status_code == 200


def test_a_language_that_was_asked_for_is_remembered(site: Site) -> None:
    """`?lang=` wins and stays; Accept-Language decides before that."""
    browser = site.handheld()
    assert "Puerta" in browser.get("/handheld", headers={"Accept-Language": "es-MX,en;q=0.5"}).text
    assert "Gate" in browser.get("/handheld", headers={"Accept-Language": "fr,de;q=0.5"}).text
    assert "lang=es" in browser.get("/handheld", params={"lang": "es"}).text
    assert "Puerta" in browser.get("/handheld").text


def test_a_language_that_is_not_there_is_not_remembered(site: Site) -> None:
    """Nothing but a known language gets into the cookie."""
    response = site.handheld().get("/handheld", params={"lang": HOSTILE})
    assert response.status_code == 200
    assert "set-cookie" not in response.headers
    assert "script" not in response.text


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("", "en"),
        ("es", "es"),
        ("en;q=0.1, es;q=0.9", "es"),
        ("es;q=0, en", "en"),
        ("es;q=nonsense, en;q=0.2", "en"),
        (";;;,,,q=,", "en"),
        ("fr-CH, fr;q=0.9, es;q=0.8, *;q=0.5", "es"),
    ],
)
def test_accept_language_is_weighed(accepted: str, chosen: str) -> None:
    """The best language that we have is taken, and English where there is none."""
    languages = Languages({"en": {}, "es": {}})
    assert languages.chosen("", "", accepted) == chosen


def test_missing_words_are_english_and_then_their_code() -> None:
    """A gap in a translation is readable."""
    english = dict(words.flat({"a": "A", "deep": {"er": "B"}, "number": 3}))
    translate = Languages({"en": english, "es": {"a": "Á"}}).translate("es")
    assert [translate(code) for code in ("a", "deep.er", "none")] == ["Á", "B", "none"]


def test_a_hashed_file_is_for_ever(site: Site) -> None:
    """Under the hash of all files, a file may be kept; under another hash, there is none."""
    page = site.client().get("/kiosk").text
    path = page.partition("src='")[2].partition("'")[0]
    assert path.startswith("/static/")
    response = site.client().get(path)
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-type"] == "image/svg+xml"
    wrong = "/static/0000000000000000/icon.svg"
    assert site.client().get(wrong).status_code == 404


def test_a_plain_file_is_asked_for_again(site: Site) -> None:
    """Without a hash there is an ETag, and 304 without a body while nothing changed."""
    first = site.client().get("/static/icon.svg")
    assert first.headers["cache-control"] == "no-cache"
    again = site.client().get("/static/icon.svg", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert site.client().get("/static/locales/es.json").json() == {"title": "Puerta"}


@pytest.mark.parametrize(
    "path",
    [
        "/static/../templates/kiosk.html",
        "/static/%2e%2e/templates/kiosk.html",
        "/static/..%2f..%2f..%2fetc%2fpasswd",
        "/static/notes.secret",
        "/static/",
        "/static//",
        "/static/%00",
        "/sw.js/",
    ],
)
def test_nothing_but_the_files_is_sent(site: Site, path: str) -> None:
    """Paths lead nowhere else, and types that browsers don't need stay in."""
    response = site.client().get(path)
    assert response.status_code in {200, 404}
    assert "not for browsers" not in response.text
    assert "lane.id" not in response.text
    if response.status_code == 200:
        assert path == "/sw.js/"


def test_the_service_worker_changes_with_any_file(site: Site) -> None:
    """Its text has the hash of all files."""
    worker = site.client().get("/sw.js")
    assert worker.headers["cache-control"] == "no-cache"
    assert worker.headers["content-type"].startswith("text/javascript")
    hashed = worker.text.split("'")[1]
    assert site.client().get(f"/static/{hashed}/icon.svg").status_code == 200
    one, two = (Assets({"sw.js": b"@HASH@", "a.css": content}) for content in (b"1", b"2"))
    assert one.get("sw.js") != two.get("sw.js")


def test_the_manifest_makes_it_installable(site: Site) -> None:
    """It is at the root with its own type."""
    response = site.client().get("/manifest.webmanifest")
    assert response.headers["content-type"] == "application/manifest+json"


def test_a_page_never_names_a_missing_file() -> None:
    """A wrong name in a template is found by whoever renders it."""
    with pytest.raises(LookupError, match=r"nothing\.css"):
        Assets({}).url("nothing.css")


def test_templates_escape_whatever_they_are_called(tmp_path: Path) -> None:
    """The name of an event can't be markup."""
    from litestar import Litestar, Request, get
    from litestar.testing import TestClient

    (tmp_path / "any.name").write_text("<p>{{ text }}</p>")
    screens = Screens(tmp_path, Languages({"en": {}}), Assets({}))

    @get("/", sync_to_thread=False)
    def page(request: Request) -> object:  # type: ignore[type-arg]
        return screens.page(request, "any.name", text=HOSTILE)

    with TestClient(Litestar([page])) as client:
        assert "<script" not in client.get("/").text
