"""Issuer keys on a real database: which signs when, and what a verifier makes of it."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from cloud.errors import Refusal
from cloud.keys import repository
from cloud.keys.issuers import Issuer, Issuers, revoke
from cloud.keys.keyring import Keyring
from cloud.keys.model import NOTICE, context
from cloud.keys.sealing import MasterKey, SealBroken
from shared import keys
from shared.hashing import kid as kid_of
from tests.cloud.database import awaited
from tests.cloud.events.house import MASTER, OTHER, House
from tests.cloud.events.house import house as house


def of(house: House, event_id: str, issuers: Issuers | None = None) -> Issuer:
    """Return the issuer that signs now."""

    async def ask() -> Issuer:
        async with house.tx() as tx:
            return await (issuers or house.issuers).of(tx, UUID(event_id))

    return awaited(ask())


def test_the_first_key_signs_at_once(house: House) -> None:
    """A published event's issuer has its reference, its `exp` and a kid of the public key."""
    event = house.published()
    issuer = of(house, event["event_id"])
    assert issuer.event_ref.hex() == event["ref"]
    assert issuer.kid == kid_of(keys.public_key(issuer.secret))
    ends = house.now + timedelta(days=10, hours=6)
    assert issuer.exp == int((ends + timedelta(days=30)).timestamp())
    assert repr(issuer) == f"Issuer({issuer.kid.hex()})"  # no secret in a log


def test_rotation_waits_for_its_notice(house: House) -> None:
    """A rotated key is published at once and signs a day later, in each process by itself."""
    event_id = house.published()["event_id"]
    other_process = Issuers(Keyring(MasterKey(MASTER)))
    first = of(house, event_id, other_process)
    new = house.call("POST", f"/events/{event_id}/keys", status=201)
    assert new["state"] == "waits"
    assert house.refused("POST", f"/events/{event_id}/keys") == ("rotation_pending", "")
    house.now += NOTICE - timedelta(seconds=1)
    assert of(house, event_id, other_process).kid == first.kid
    house.now += timedelta(seconds=1)
    assert of(house, event_id, other_process).kid.hex() == new["kid"]
    listed = house.call("GET", f"/keys?event_id={event_id}", status=200)
    assert [key["state"] for key in listed] == ["verifies", "signs"]


def test_a_withdrawn_key_signs_no_more(house: House) -> None:
    """Withdrawing the key that signs makes another at once, and is told once."""
    event_id = house.published()["event_id"]
    first = of(house, event_id)
    for _ in range(2):  # a repetition changes nothing
        gone = house.call("POST", f"/keys/{first.kid.hex()}/revoke", status=200)
        assert gone["state"] == "revoked"
    second = of(house, event_id)
    assert second.kid != first.kid
    listed = house.call("GET", f"/keys?event_id={event_id}", status=200)
    assert sorted(key["state"] for key in listed) == ["revoked", "signs"]
    assert house.messages(event_id) == ["event.published", "key.revoked"]


def test_withdrawal_falls_back_to_the_older_key(house: House) -> None:
    """Where an older key may still sign, no new one is made."""
    event_id = house.published()["event_id"]
    first = of(house, event_id)
    house.call("POST", f"/events/{event_id}/keys", status=201)
    house.now += NOTICE
    second = of(house, event_id)
    house.call("POST", f"/keys/{second.kid.hex()}/revoke", status=200)
    assert of(house, event_id).kid == first.kid


def test_a_kid_is_never_shared(house: House) -> None:
    """A key whose kid the tenant has already is thrown away, and another is made."""
    event_id = house.published()["event_id"]
    seeds = iter([bytes(31) + b"\x01", bytes(31) + b"\x01", bytes(31) + b"\x02"])
    twice = Issuers(Keyring(MasterKey(MASTER), random=lambda _: next(seeds)))

    async def rotate() -> list[bytes]:
        made = []
        for _ in range(2):
            async with house.tx() as tx:
                made.append((await twice.rotate(tx, UUID(event_id))).public)
            house.now += NOTICE
        return made

    expected = [keys.public_key(bytes(31) + end) for end in (b"\x01", b"\x02")]
    assert awaited(rotate()) == expected


def test_two_who_need_the_first_key_make_one(house: House) -> None:
    """Concurrent first needs of a draft's key end in one key."""
    event_id = house.event()["event_id"]

    async def ask() -> Issuer:
        async with house.tx() as tx:
            return await Issuers(house.keyring).of(tx, UUID(event_id))

    async def both() -> list[Issuer]:
        return list(await asyncio.gather(ask(), ask(), ask()))

    assert len({issuer.kid for issuer in awaited(both())}) == 1


def test_tokens_of_an_event_long_over_are_not_signed(house: House) -> None:
    """Once its keys are over, an event signs nothing and rotates nothing."""
    event_id = house.published()["event_id"]
    house.now += timedelta(days=60)
    with pytest.raises(Refusal, match="event_over"):
        of(house, event_id)
    assert house.refused("POST", f"/events/{event_id}/keys") == ("event_over", "")


def test_another_tenant_has_no_such_key(house: House) -> None:
    """A kid or an event of another tenant is not found."""
    event_id = house.published()["event_id"]
    kid = of(house, event_id).kid

    async def ask() -> None:
        async with house.tx(OTHER) as tx:
            with pytest.raises(Refusal, match="not_found"):
                await revoke(tx, house.issuers, kid)
            with pytest.raises(Refusal, match="not_found"):
                await house.issuers.of(tx, UUID(event_id))

    awaited(ask())


def test_private_halves_are_sealed_to_their_row(house: House) -> None:
    """A stored key opens under its own tenant, role and public key, and under no other."""
    of(house, house.published()["event_id"])
    rows = house.database.rows("SELECT tenant_id, role, public, sealed FROM tenant_key")
    master, nobody = MasterKey(MASTER), UUID(int=9)
    for row in rows:
        seed = master.unseal(row["sealed"], context(row["tenant_id"], row["role"], row["public"]))
        assert keys.public_key(seed) == row["public"]
        assert seed not in row["sealed"]
        with pytest.raises(SealBroken):
            master.unseal(row["sealed"], context(nobody, row["role"], row["public"]))


def test_resealing_leaves_the_old_master_key_unneeded(house: House) -> None:
    """After `reseal` under a new master key, the new one alone opens every key."""
    event_id = house.published()["event_id"]
    before = of(house, event_id)
    newest = bytes(range(1, 33))

    async def reseal() -> list[int]:
        ring = Keyring(MasterKey(newest, older=[MASTER]))
        async with house.tx() as tx:
            held = len(await repository.keys(tx))
            assert await ring.reseal(tx) == held
            counts = [await ring.reseal(tx)]
            issuer = await Issuers(Keyring(MasterKey(newest))).of(tx, UUID(event_id))
            assert issuer.secret == before.secret
            back = Keyring(MasterKey(MASTER, older=[newest]))  # for the tests that follow
            counts.append(await back.reseal(tx) - held)
            return counts

    assert awaited(reseal()) == [0, 0]


def test_a_documents_key_is_made_at_first_need(house: House) -> None:
    """Whoever first signs a document of a tenant finds a key for it, and the same one later."""

    async def signers() -> set[bytes]:
        found = set()
        for _ in range(2):
            async with house.tx(OTHER) as tx:
                key, secret = await Keyring(MasterKey(MASTER)).signer(tx, "roster")
                assert keys.public_key(secret) == key.public
                found.add(key.public)
        return found

    assert len(awaited(signers())) == 1


def test_without_a_free_kid_no_key_is_made(house: House) -> None:
    """Randomness that repeats itself ends in an error, not in a loop."""
    event_id = house.published()["event_id"]
    stuck = Issuers(Keyring(MasterKey(MASTER), random=bytes))

    async def rotate() -> None:
        async with house.tx() as tx:
            await stuck.rotate(tx, UUID(event_id))
        house.now += NOTICE
        async with house.tx() as tx:
            with pytest.raises(RuntimeError, match="kid"):
                await stuck.rotate(tx, UUID(event_id))

    awaited(rotate())


def test_few_keys_are_kept_unsealed(house: House) -> None:
    """The oldest of the unsealed keys is dropped, and unsealed again when it is needed."""
    ring = Keyring(MasterKey(MASTER), kept=2)
    events = [house.published()["event_id"] for _ in range(3)]
    first = [of(house, event_id, Issuers(ring)) for event_id in events]
    assert [of(house, event_id, Issuers(ring)) for event_id in events] == first
    assert len(ring) == 2
