"""/v1: what third parties' lanes get for their key."""

from collections.abc import Iterator, Mapping

import httpx
import pytest

from edge.gate.gate import Machine
from tests.edge.webfakes import KIOSK_KEY, LANE_KEY, Site, open_site

KEY = {"Authorization": f"Bearer {LANE_KEY}"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve one gate for all tests of this file."""
    standing = Machine(seconds=lambda: 1000.0)  # a repeat is one however slow the machine is
    with open_site(tmp_path_factory.mktemp("v1"), machine=standing) as opened:
        yield opened


@pytest.fixture
def site(served: Site) -> Iterator[Site]:
    """Leave the gate to the next test as it was."""
    yield served
    served.tidy()


def lane(site: Site, headers: Mapping[str, str] = KEY) -> httpx.Client:
    """Return a third party: no cookie, no header of ours."""
    return site.client(headers)


def test_a_key_is_enough_to_scan(site: Site) -> None:
    """No cookie, no X-Usher, no origin."""
    verdict = lane(site).post("/v1/scan", json={"text": site.world.code("standing")}).json()
    assert (verdict["code"], verdict["source"], verdict["lane"]) == ("admitted", "api", "turnstile")


def test_the_same_scan_again_is_the_same_verdict(site: Site) -> None:
    """After a broken connection a lane asks again, and nobody is let in twice."""
    said = {"text": site.world.bulk(1)}
    first, second = (lane(site).post("/v1/scan", json=said).json() for _ in range(2))
    assert (first["repeat"], second["repeat"]) == (False, True)
    assert first["scan"] == second["scan"]


def test_a_group_says_how_many_come(site: Site) -> None:
    """`people` is theirs to say."""
    said = {"text": site.world.code("family"), "people": 4}
    verdict = lane(site).post("/v1/scan", json=said).json()
    assert (verdict["people"], verdict["left"]) == (4, 0)


@pytest.mark.parametrize("people", [0, -1, 1001, "2", 1.5, None])
def test_an_impossible_group_is_refused(site: Site, people: object) -> None:
    """One to a thousand, as a number."""
    said = {"text": "x", "people": people}
    response = lane(site).post("/v1/scan", json=said)
    assert (response.status_code, response.json()["code"]) == (400, "body_malformed")


def test_the_lane_tells_of_itself(site: Site) -> None:
    """Its state, and its gate's counts, and how old its lists are."""
    told = lane(site).get("/v1/lane").json()
    assert set(told) == {"lane", "counts", "status"}
    assert told["status"]["data_age"] >= 0
    assert (told["lane"]["id"], told["lane"]["kind"]) == ("turnstile", "api")
    assert told["counts"]["zone_name"] == "Arena"


def test_every_answer_says_how_old_the_lists_are_and_how_many_records_wait(site: Site) -> None:
    """As the status strip does: nobody else may tell a lane that the gate has been cut off."""
    site.gate.around["waiting"] = 7
    scanned = lane(site).post("/v1/scan", json={"text": site.world.bulk(2)})
    status = lane(site).get("/v1/lane").json()["status"]
    assert 0 <= int(scanned.headers["usher-data-age"]) <= status["data_age"]
    assert (scanned.headers["usher-waiting"], status["waiting"]) == ("7", 7)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer wrong",
        f"Bearer {LANE_KEY}x",
        f"Bearer  {LANE_KEY}",
        f"Basic {LANE_KEY}",
        f"Bearer {KIOSK_KEY}",
        LANE_KEY,
    ],
)
def test_without_the_key_there_is_nothing(site: Site, authorization: str) -> None:
    """Neither a wrong key, nor a kiosk's, nor another way of saying it."""
    client = lane(site, {"Authorization": authorization} if authorization else {})
    for response in (client.post("/v1/scan", json={"text": "x"}), client.get("/v1/lane")):
        assert (response.status_code, response.json()["code"]) == (401, "api_key")


def test_a_browsers_cookie_opens_no_lane_of_a_third_party(site: Site) -> None:
    """/v1 knows keys alone, so no other site can use a browser for it."""
    response = site.kiosk().post("/v1/scan", json={"text": "x"})
    assert (response.status_code, response.json()["code"]) == (401, "api_key")


def test_two_keys_at_once_are_none(site: Site) -> None:
    """Which one counts is not for this gate to guess."""
    headers = [("Authorization", f"Bearer {LANE_KEY}"), ("Authorization", "Bearer wrong")]
    response = site.client({}).get("/v1/lane", headers=headers)
    assert response.status_code == 401


def test_the_description_is_of_what_is_there(site: Site) -> None:
    """Every path answers, every reference leads somewhere, every field of a verdict is told."""
    told = site.client({}).get("/v1/openapi.json").json()
    assert told["openapi"] == "3.1.0"
    for path, methods in told["paths"].items():
        for method in methods:
            assert site.client({}).request(method, path).status_code == 401
    schemas = told["components"]["schemas"]
    for reference in references(told):
        assert reference.removeprefix("#/components/schemas/") in schemas
    said = {"text": site.world.code("revoked")}
    verdict = lane(site).post("/v1/scan", json=said).json()
    assert set(verdict) == set(schemas["Verdict"]["properties"])


def references(told: object) -> Iterator[str]:
    """Return every reference in a description."""
    if isinstance(told, dict):
        if isinstance(reference := told.get("$ref"), str):
            yield reference
        for each in told.values():
            yield from references(each)
    elif isinstance(told, list):
        for each in told:
            yield from references(each)
