"""Vectors of keysets and their envelope: `python -m tests.vectors.generate_keyset`."""

from collections.abc import Iterator

from tests.vectors import edwards, wire
from tests.vectors.keyset_forms import bodies, frames
from tests.vectors.keyset_parts import (
    EVENT,
    KEYS,
    LATER,
    NEXT,
    NOW,
    ROOT,
    TWINS,
    announcing,
    bad,
    body,
    good,
    key,
    pk,
    signed,
)
from tests.vectors.suite import Json, named, save


def versions() -> Iterator[Json]:
    """Yield successions of versions under one root."""
    yield good("first", "Signed by the pinned root.", signed())
    yield good("next version", "One higher.", signed(2), signed(1), version=2)
    yield good(
        "version jump", "Versions need not be without gaps.", signed(9), signed(1), version=9
    )
    yield good("highest version", "2^32 - 1.", signed(2**32 - 1), version=2**32 - 1)
    yield good("same again", "The same bytes change nothing.", signed(), signed())
    yield good("no keys", "A tenant before its first event.", signed(keys=[]))
    yield good("several", "In order, in one go.", [signed(1), signed(2)], version=2)
    yield bad("rollback", "A lower version.", signed(1), "keyset_rollback", signed(2))
    why = "Other bytes of the version that is held."
    yield bad("forked", why, signed(1, keys=[]), "keyset_forked", signed(1))
    why = "The newest first: the second is a rollback."
    yield bad("several in disorder", why, [signed(2), signed(1)], "keyset_rollback")


def times() -> Iterator[Json]:
    """Yield keysets at the edges of their time."""
    yield good("last second", "expires - 1", signed(expires=NOW + 1))
    yield bad(
        "expires now",
        "Half-open: expires itself is outside.",
        signed(expires=NOW),
        "keyset_expired",
    )
    old = signed(2, expires=NOW - 1)
    yield bad("expired over held", "What is held stays.", old, "keyset_expired", signed(1))
    why = "A clock that nothing vouches for can say nothing of expiry."
    yield good("expired, untrusted clock", why, signed(expires=NOW - 1), trusted=False)
    why = "On the way to the newest, one may have expired."
    yield good("expired on the way", why, [signed(1, expires=NOW - 1), signed(2)], version=2)
    why = "Rollback is told before expiry."
    yield bad("expired and older", why, signed(1, expires=NOW - 1), "keyset_rollback", signed(2))


def roots() -> Iterator[Json]:
    """Yield changes of the root key."""
    first = announcing(NEXT)
    second = signed(2, NEXT)
    yield good("announced", "An announcement changes nothing yet.", first)
    yield good("succession", "The successor signs the next.", second, first, version=2, root=NEXT)
    why = "Until the successor has signed, the old root may."
    yield good("old root goes on", why, announcing(NEXT, 2), first, version=2)
    why = "A device that missed the announcement gets it first, though it has expired."
    way = [announcing(NEXT, expires=NOW - 1), second]
    yield good("succession in one go", why, way, version=2, root=NEXT)
    chain = [first, signed(2, NEXT, successor=wire.public(LATER).hex()), signed(3, LATER)]
    yield good("two successions", "Root by root.", chain, version=3, root=LATER)
    why = "An announcement may be replaced."
    yield good(
        "other successor", why, signed(3, LATER), first, announcing(LATER, 2), version=3, root=LATER
    )
    why = "Nobody announced this key."
    yield bad("unannounced", why, second, "document_unknown_key", signed(1))
    yield bad("stranger first", "Not the pinned root.", signed(1, NEXT), "document_unknown_key")
    why = "After the succession, the old root is nobody."
    yield bad("old root after succession", why, signed(3), "document_unknown_key", first, second)
    why = "The announcement was taken back."
    yield bad(
        "announcement withdrawn", why, signed(3, NEXT), "document_unknown_key", first, signed(2)
    )
    why = "The announcement is missing on the way."
    yield bad("link missing", why, signed(3, LATER), "document_unknown_key", first)
    why = "The successor too is bound to the versions."
    yield bad("successor rolls back", why, signed(1, NEXT), "keyset_rollback", announcing(NEXT, 2))
    yield bad("successor forks", why, signed(1, NEXT), "keyset_forked", first)
    other = wire.seal("keyset", wire.spell(body(2, NEXT)), ROOT)
    yield bad("root names the successor", "Signed by the old root.", other, "keyset_root", first)
    other = wire.seal("keyset", wire.spell(body(2, ROOT)), NEXT)
    yield bad("root names the old root", "Signed by the successor.", other, "keyset_root", first)
    other = wire.seal("keyset", wire.spell(body(1, LATER)), ROOT)
    yield bad("root names a stranger", "Signed by the root.", other, "keyset_root")


def keys() -> Iterator[Json]:
    """Yield keysets whose keys contradict one another."""
    one, two = TWINS
    twin = [key("issuer", one, EVENT), key("issuer", two, "00" * 8)]
    yield good("one kid, two events", "(kid, event) names one key.", signed(keys=twin))
    twin = [key("manifest", one), key("roster", two)]
    yield good(
        "one kid, two roles", "A role is always known when a kid is looked up.", signed(keys=twin)
    )
    rotation = [key("issuer", name, EVENT) for name in ("issuer", "issuer 2")]
    yield good("rotation", "Several keys of one event.", signed(keys=rotation))
    withdrawn = [key("manifest", "manifest", revoked=True)]
    yield good("withdrawn key", "It stays in the list, withdrawn.", signed(keys=withdrawn))
    small = edwards.encode(edwards.TORSION[1]).hex()
    secret = edwards.expand(wire.seed("holder"))
    mixed = edwards.encode(edwards.add(secret.public, edwards.TORSION[4])).hex()
    empty = key("manifest", "manifest", not_before=NOW, not_after=NOW)
    for error, name, changed in (
        ("keyset_window", "issued at expiry", {"issued": NOW, "expires": NOW}),
        ("keyset_window", "empty window", {"keys": [empty]}),
        (
            "keyset_window",
            "window backwards",
            {"keys": [key("roster", "roster", not_before=NOW + 101)]},
        ),
        ("keyset_event", "issuer without event", {"keys": [key("issuer", "issuer")]}),
        ("keyset_event", "manifest key with event", {"keys": [key("manifest", "manifest", EVENT)]}),
        ("keyset_event", "command key with event", {"keys": [key("command", "command", EVENT)]}),
        (
            "keyset_key_shared",
            "two roles",
            {"keys": [key("manifest", "one"), key("roster", "one")]},
        ),
        (
            "keyset_key_shared",
            "issuer is roster key",
            {"keys": [key("issuer", "one", EVENT), key("roster", "one")]},
        ),
        (
            "keyset_key_shared",
            "two events",
            {"keys": [key("issuer", "one", EVENT), key("issuer", "one", "00" * 8)]},
        ),
        ("keyset_key_shared", "twice", {"keys": [KEYS[1], KEYS[1]]}),
        ("keyset_key_shared", "root as key", {"keys": [key("manifest", "root")]}),
        (
            "keyset_key_shared",
            "successor as key",
            {"successor": pk("next root"), "keys": [key("command", "next root")]},
        ),
        ("keyset_key_shared", "root as successor", {"successor": pk("root")}),
        ("keyset_weak_key", "small order", {"keys": [key("manifest", "manifest", pk=small)]}),
        ("keyset_weak_key", "mixed order", {"keys": [key("issuer", "issuer", EVENT, pk=mixed)]}),
        ("keyset_weak_key", "not a point", {"keys": [key("roster", "roster", pk="ff" * 32)]}),
        ("keyset_weak_key", "weak successor", {"successor": small}),
        (
            "keyset_kid_shared",
            "one event",
            {"keys": [key("issuer", one, EVENT), key("issuer", two, EVENT)]},
        ),
        ("keyset_kid_shared", "one role", {"keys": [key("roster", one), key("roster", two)]}),
    ):
        why = "Signed by the root, and refused all the same."
        yield bad(f"{error} {name}", why, signed(**changed), error)
    twins = {"successor": pk(two), "keys": []}
    roots = wire.seal("keyset", wire.spell(body(2, wire.seed(one), **twins)), wire.seed(one))
    why = "Root and successor of one kid."
    yield bad(
        "keyset_kid_shared roots", why, roots, "keyset_kid_shared", announcing(wire.seed(one))
    )


def build() -> Json:
    """Return the suite."""
    groups = (versions, times, roots, keys, frames, bodies)
    return {
        "suite": "keyset",
        "comment": "Keysets and their envelope: spec/README.md and spec/token.md section 7. A "
        "device pinned to `root` holds `held` (taken in order, expiry not judged) and is then "
        "offered `offered`, in order, at `now_ms`.",
        "root": wire.public(ROOT).hex(),
        "seeds": {"root": ROOT.hex(), "next root": NEXT.hex()},
        "vectors": named([vector for group in groups for vector in group()]),
    }


if __name__ == "__main__":
    save(build())
