"""Keysets as published, taken in by what gates use: shared.keyset.TrustedKeys."""

from datetime import timedelta
from uuid import UUID

import pytest

from cloud.keys.jobs import sweep_keyset, tenants
from cloud.keys.model import KEYSET_AGE, NOTICE, ROLE_LIFE, ROOT_NOTICE
from cloud.tickets.signing import Unsigned, tokens
from shared.errors import Refused, Untrusted
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.presentation import Freshness
from shared.token import encode_text
from shared.verify import verify
from tests.cloud.database import awaited
from tests.cloud.events.house import OTHER, TENANT, House
from tests.cloud.events.house import house as house

FRESH = Freshness(45, 30)


def now(house: House) -> Instant:
    """Return the house's time as a gate has it."""
    return Instant(int(house.now.timestamp() * 1000))


def read(house: House, root: str = "", tenant: UUID = TENANT) -> bytes:
    """Read a keyset as anyone may."""
    response = house.call("GET", f"/keyset?root={root}", who="", tenant=tenant)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/octet-stream"
    content: bytes = response.content
    return content


def enrolled(house: House, tenant: UUID = TENANT) -> TrustedKeys:
    """Return what a device enrolled now trusts."""
    root = house.call("GET", "/root", who="", tenant=tenant, status=200)["root"]
    return TrustedKeys(bytes.fromhex(root)).update([read(house, tenant=tenant)], now(house))


def sweep(house: House, tenant: UUID = TENANT) -> int:
    """Run the sweep of one tenant."""

    async def run() -> int:
        async with house.tx(tenant) as tx:
            return await sweep_keyset(tx, house.keyring)

    return awaited(run())


def ticket(house: House, event_id: str) -> str:
    """Return the text of a ticket that is signed now."""

    async def sign() -> bytes:
        async with house.tx() as tx:
            issuer = await house.issuers.of(tx, UUID(event_id))
            (signed,) = tokens(issuer, [Unsigned(UUID(int=5), 0, 0, None, live=False)])
            assert signed is not None
            return signed

    return encode_text(awaited(sign()))


def test_gates_accept_tickets_across_rotations(house: House) -> None:
    """A gate with the keyset of the day before verifies old and new tickets; a withdrawn key's
    tickets are refused by whoever has heard of it."""
    event_id = house.published()["event_id"]
    event = house.read(event_id)
    old = ticket(house, event_id)
    house.call("POST", f"/events/{event_id}/keys", status=201)
    gate = enrolled(house)  # loads once, on the day before the new key signs
    house.now += NOTICE
    new = ticket(house, event_id)
    for text in (old, new):
        found = verify(text, gate, now(house), FRESH).token
        assert (found.event.hex(), found.ticket) == (event["ref"], UUID(int=5).bytes)
    kid = house.call("GET", f"/keys?event_id={event_id}", status=200)[0]["kid"]
    house.call("POST", f"/keys/{kid}/revoke", status=200)
    gate = gate.update([read(house)], now(house))
    verify(new, gate, now(house), FRESH)
    with pytest.raises(Untrusted, match="revoked_key"):
        verify(old, gate, now(house), FRESH)


def test_the_documents_keys_are_there_from_the_start(house: House) -> None:
    """A tenant that has done nothing yet has a keyset with a key for each kind of document."""
    gate = enrolled(house, OTHER)
    assert [len(gate.of(role, now(house))) for role in ("manifest", "roster", "command")] == [1] * 3
    assert gate.issuers == {}


def test_versions_rise_by_one_and_never_fall(house: House) -> None:
    """Each change is a new version, and a gate refuses the older one."""
    before = enrolled(house)
    old = read(house)
    house.published()
    after = before.update([read(house)], now(house))
    assert before.keyset is not None
    assert after.keyset is not None
    assert after.keyset.version == before.keyset.version + 1
    with pytest.raises(Refused, match="keyset_rollback"):
        after.accept(old)


def test_an_unchanged_keyset_is_published_anew_when_old(house: House) -> None:
    """The sweep signs a week-old keyset again, once, and leaves a young one alone."""
    enrolled(house)
    assert sweep(house) == 0
    house.now += KEYSET_AGE

    async def due() -> list[UUID]:
        async with house.tx() as tx:
            return await tenants(tx.conn, house.now + timedelta(seconds=1))

    assert TENANT in awaited(due())
    version = enrolled(house).keyset.version  # type: ignore[union-attr]
    assert [sweep(house), sweep(house)] == [1, 0]
    fresh = enrolled(house).keyset
    assert fresh is not None
    assert (fresh.version, fresh.issued) == (version + 1, int(house.now.timestamp()))


def test_roots_succeed_one_another(house: House) -> None:
    """A device follows the root over two changes, though it missed what lay between."""
    device = enrolled(house)
    for _ in range(2):
        house.call("POST", "/root/successor", status=201)
        assert house.refused("POST", "/root/successor")[0] == "rotation_pending"
        house.now += ROOT_NOTICE
        sweep(house)
    newest = house.call("GET", "/root", who="", status=200)["root"]
    assert newest != device.root.hex()
    with pytest.raises(Untrusted):
        device.update([read(house)], now(house))
    missed = []
    root = device.root.hex()
    while root:  # the newest keyset of each root announces the next one
        missed.append(read(house, root))
        device = device.accept(missed[-1])
        assert device.keyset is not None
        root = device.keyset.successor or ""
    assert device.root.hex() == newest
    assert device.raw == read(house)


def test_a_root_that_signed_nothing_has_no_keyset(house: House) -> None:
    """Asking for the keyset of an unknown root is not found; of a malformed one, refused."""
    assert house.refused("GET", f"/keyset?root={'00' * 32}", who="")[0] == "not_found"
    assert house.refused("GET", "/keyset?root=zz", who="") == ("invalid_request", "root")


def test_documents_keys_are_renewed_before_they_end(house: House) -> None:
    """When a document's key nears its end its successor is published, and signs a day later."""
    enrolled(house)
    house.now += ROLE_LIFE - timedelta(days=60)

    async def signer() -> bytes:
        async with house.tx() as tx:
            return (await house.keyring.signer(tx, "manifest"))[0].kid

    old = awaited(signer())
    sweep(house)
    assert awaited(signer()) == old
    assert len(enrolled(house).of("manifest", now(house))) == 2
    house.now += NOTICE
    assert awaited(signer()) != old
    assert awaited(signer()) in enrolled(house).of("manifest", now(house))


def test_more_keys_than_a_document_holds_are_refused(house: House) -> None:
    """A keyset that would be larger than gates take is refused, and the one before stands."""
    tenant = UUID(int=3)
    house.database.run(
        f"""
        INSERT INTO tenant (tenant_id, slug, name) VALUES ('{tenant}', 'three', 'Three');
        INSERT INTO tenant_key
            (tenant_id, public, role, sealed, not_before, not_after, signs_from)
        SELECT '{tenant}', sha256(n::text::bytea), 'command', 'x', '2027-01-01', '2100-01-01',
               '2027-01-01' FROM generate_series(1, 5000) AS n;
        """
    )
    assert house.refused("GET", "/keyset", who="", tenant=tenant)[0] == "too_many_keys"
    house.database.run("DELETE FROM tenant_key WHERE sealed = 'x'")
    assert enrolled(house, tenant).keyset is not None
