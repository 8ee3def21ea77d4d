"""Who may see and change keys over HTTP."""

import pytest

from tests.cloud.events.house import OTHER, House
from tests.cloud.events.house import house as house


@pytest.mark.parametrize("path", ["/keyset", "/root"])
def test_public_keys_are_public_and_tagged(house: House, path: str) -> None:
    """Anyone reads the keyset and the root; who has it already is told so."""
    first = house.call("GET", path, who="")
    assert first.status_code == 200
    again = house.http.get(str(first.request.url), headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_list_has_no_private_half(house: House) -> None:
    """Keys are listed by their public halves alone."""
    house.published()
    listed = house.call("GET", "/keys", status=200)
    assert {key["role"] for key in listed} == {"root", "issuer", "manifest", "roster", "command"}
    sealed = house.database.rows("SELECT sealed FROM tenant_key")
    text = str(listed)
    assert all(row["sealed"].hex() not in text for row in sealed)


def test_only_who_may_changes_keys(house: House) -> None:
    """Staff and artists are refused, a fan and another tenant's owner find nothing."""
    event_id = house.published()["event_id"]
    (key,) = house.call("GET", f"/keys?event_id={event_id}", status=200)
    for who, code in (("staff", "scope_missing"), ("artist", "scope_missing"),
                      ("fan", "not_found"), ("rival", "not_found"),
                      ("", "credentials_missing")):  # fmt: skip
        for method, path in (("GET", "/keys"), ("POST", f"/events/{event_id}/keys"),
                             ("POST", f"/keys/{key['kid']}/revoke"),
                             ("POST", "/root/successor")):  # fmt: skip
            assert house.refused(method, path, who=who)[0] == code, (who, path)
    for path in (f"/events/{event_id}/keys", f"/keys/{key['kid']}/revoke"):
        assert house.refused("POST", path, who="rival", tenant=OTHER)[0] == "not_found"
    assert house.call("GET", f"/keys?event_id={event_id}", status=200) == [key]


def test_a_root_is_not_withdrawn(house: House) -> None:
    """A root can only be succeeded; a kid that is none is refused."""
    house.published()
    root = next(k for k in house.call("GET", "/keys", status=200) if k["role"] == "root")
    assert house.refused("POST", f"/keys/{root['kid']}/revoke") == ("root_not_revocable", "")
    assert house.refused("POST", "/keys/00000000/revoke") == ("not_found", "")
    assert house.refused("POST", "/keys/xyz/revoke")[0] == "invalid_request"


def test_a_draft_has_no_key_to_rotate(house: House) -> None:
    """Only a published event's key is rotated."""
    event_id = house.event()["event_id"]
    assert house.refused("POST", f"/events/{event_id}/keys") == ("event_not_published", "")
