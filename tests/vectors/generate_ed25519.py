"""Ed25519's edges, as a frozen table: `python -m tests.vectors.generate_ed25519`."""

from collections.abc import Iterator
from typing import Final

from tests.vectors import edwards, wire
from tests.vectors.edwards import BASE, IDENTITY, TORSION, L, P
from tests.vectors.rfc8032 import VECTORS
from tests.vectors.suite import Json, named, save

SEED: Final = wire.seed("edge cases")
SECRET: Final = edwards.expand(SEED)
PK: Final = edwards.encode(SECRET.public)
MESSAGE: Final = b"usher"


def case(
    name: str, why: str, pk: bytes, signature: bytes, message: bytes = MESSAGE, **expect: bool
) -> Json:
    """Return a vector; a key is valid and a signature refused unless `expect` says otherwise."""
    verdict = {"valid_key": True, "accepted": False, "libsodium": False} | expect
    assert verdict["accepted"] <= (verdict["valid_key"] and verdict["libsodium"])
    return {
        "name": name,
        "comment": why,
        "input": {"pk": pk.hex(), "message": message.hex(), "signature": signature.hex()},
        "expect": verdict,
    }


def published() -> Iterator[Json]:
    """Yield RFC 8032's own vectors, which can be signed anew as well."""
    for name, parts in VECTORS.items():
        seed, pk, message, signature = map(bytes.fromhex, parts)
        vector = case(
            f"RFC 8032 {name}",
            "Section 7.1.",
            pk,
            signature,
            message,
            accepted=True,
            libsodium=True,
        )
        vector["input"]["seed"] = seed.hex()
        yield vector


def scalars() -> Iterator[Json]:
    """Yield a good signature and others whose S is out of its range."""
    right = edwards.sign(SECRET.scalar, 7, MESSAGE, PK)
    r, s = right[:32], int.from_bytes(right[32:], "little")
    yield case("good", "A nonce of 7 is as good as any.", PK, right, accepted=True, libsodium=True)
    for times in (1, 2, 8, 15):
        twin = r + (s + times * L).to_bytes(32, "little")
        assert edwards.verdicts(PK, MESSAGE, twin) == (True, True)
        yield case(f"S + {times} L", "The equation holds; S >= L.", PK, twin)
    for name, number in (
        ("S = 0", 0),
        ("S = L", L),
        ("S = L - 1", L - 1),
        ("S = 2^253", 2**253),
        ("S all ones", 2**256 - 1),
        ("S + 1", s + 1),
        ("-S", L - s),
    ):
        yield case(name, "Another S.", PK, r + number.to_bytes(32, "little"))
    yield case("other message", "Signed for another text.", PK, right, b"Usher")
    yield case("no message", "Signed for another text.", PK, right, b"")


def points_r() -> Iterator[Json]:
    """Yield signatures by a good key whose R is not of the prime-order group."""
    for name, r in edwards.small_order_encodings():
        s = edwards.challenge(r, PK, MESSAGE) * SECRET.scalar % L
        signature = r + s.to_bytes(32, "little")
        assert edwards.verdicts(PK, MESSAGE, signature)[1]
        why = "S made with the secret key: it holds with the cofactor, for an identity without."
        yield case(f"R of {name}", why, PK, signature)
    for twist in range(1, 8):
        signature = edwards.sign(SECRET.scalar, 7, MESSAGE, PK, TORSION[twist])
        assert edwards.verdicts(PK, MESSAGE, signature) == (False, True)
        why = "Made with the secret key: it holds with the cofactor alone."
        yield case(f"R plus {twist} times the generator of order 8", why, PK, signature)
    off = next(edwards.raw(y, 0) for y in range(2, 99) if edwards.recover(y, 0) is None)
    yield case("R off the curve", "No point.", PK, off + bytes(32))
    yield case("R all ones", "No canonical y.", PK, b"\xff" * 32 + bytes(32))


def points_a() -> Iterator[Json]:
    """Yield keys that are no valid points, where possible with a signature that holds."""
    for name, pk in edwards.small_order_encodings():
        point = edwards.decode(pk)
        assert point
        yield weak(f"A of {name}", pk, 0, point, libsodium=False)
        why = "S = 0 and R the identity: nothing is left of the equation but the key."
        signature = edwards.encode(IDENTITY) + bytes(32)
        yield case(f"A of {name}, S = 0", why, pk, signature, valid_key=False)
    for twist in range(1, 8):
        pk = edwards.encode(edwards.add(SECRET.public, TORSION[twist]))
        name = f"A plus {twist} times the generator of order 8"
        yield weak(name, pk, SECRET.scalar, TORSION[twist], libsodium=True)
        nonce = next(n for n in range(1, 99) if fit(pk, n) % edwards.order(TORSION[twist]))
        signature = edwards.sign(SECRET.scalar, nonce, MESSAGE, pk)
        assert edwards.verdicts(pk, MESSAGE, signature) == (False, True)
        why = "The same key, with a hash that does not hide its twist."
        yield case(f"{name}, unfit", why, pk, signature, valid_key=False)
    right = edwards.sign(SECRET.scalar, 7, MESSAGE, PK)
    flipped = PK[:31] + bytes((PK[31] ^ 0x80,))
    yield case(
        "A negated", "The other point of the same y is a valid key, not this one.", flipped, right
    )
    beyond = [edwards.raw(y, 0) for y in range(P + 2, 2**255) if edwards.recover(y % P, 0)]
    off = [edwards.raw(y, 0) for y in range(2, 99) if edwards.recover(y, 0) is None]
    low = [edwards.raw(y, 0) for y in range(2, 99) if edwards.recover(y, 0)]
    twisted = [pk for pk in low if not edwards.in_prime_group(pk)]
    for name, pks, why in (
        ("A with y >= p", beyond, "Not canonical."),
        ("A off the curve", off[:4], "No point."),
        ("A with small y", twisted[:4], "A point outside the prime-order group, nobody's key."),
    ):
        for i, pk in enumerate(pks):
            yield case(f"{name}, {i}", why, pk, right, valid_key=False)
    yield case("A the base point", "A valid point, as good as any.", edwards.encode(BASE), right)


def weak(name: str, pk: bytes, scalar: int, twist: edwards.Point, *, libsodium: bool) -> Json:
    """Return the vector of a key scalar * B + twist and a signature that satisfies the equation."""
    nonce = next(n for n in range(1, 999) if fit(pk, n) % edwards.order(twist) == 0)
    signature = edwards.sign(scalar, nonce, MESSAGE, pk)
    assert edwards.verdicts(pk, MESSAGE, signature) == (True, True)
    why = "The equation holds, with and without the cofactor."
    return case(name, why, pk, signature, valid_key=False, libsodium=libsodium)


def fit(pk: bytes, nonce: int) -> int:
    """Return the hash for R = nonce * B, whose remainder decides whether a twist drops out."""
    return edwards.challenge(edwards.encode(edwards.multiply(nonce, BASE)), pk, MESSAGE)


def build() -> Json:
    """Return the suite."""
    groups = (published, scalars, points_r, points_a)
    return {
        "suite": "ed25519",
        "comment": "Where Ed25519 libraries differ: spec/README.md, Signatures. `message` is "
        "signed as it is, without a domain. `valid_key`: the key is a valid point. `accepted`: "
        "the key is valid and the signature good, which is all that the protocol relies on. "
        "`libsodium`: what its crypto_sign_open says of the signature alone.",
        "vectors": named([vector for group in groups for vector in group()]),
    }


if __name__ == "__main__":
    save(build())
