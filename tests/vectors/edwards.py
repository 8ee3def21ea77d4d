"""The curve of Ed25519 in plain integers, for making keys and signatures that no library makes.

Slow, not constant in time, and only for the generators of vectors: it is written from RFC 8032
section 5.1 and shares no code with the library that `shared.keys` calls.
"""

from hashlib import sha512
from typing import Final, NamedTuple

P: Final = 2**255 - 19
L: Final = 2**252 + 27742317777372353535851937790883648493
D: Final = -121665 * pow(121666, -1, P) % P
SQRT_M1: Final = pow(2, (P - 1) // 4, P)


class Point(NamedTuple):
    """An affine point."""

    x: int
    y: int


IDENTITY: Final = Point(0, 1)


def add(a: Point, b: Point) -> Point:
    """Return a + b."""
    k = D * a.x * b.x * a.y * b.y
    x = (a.x * b.y + a.y * b.x) * pow(1 + k, -1, P)
    y = (a.y * b.y + a.x * b.x) * pow(1 - k, -1, P)
    return Point(x % P, y % P)


def multiply(scalar: int, point: Point) -> Point:
    """Return scalar * point."""
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def encode(point: Point) -> bytes:
    """Return the canonical 32 bytes of a point."""
    return (point.y | (point.x & 1) << 255).to_bytes(32, "little")


def raw(y: int, sign: int) -> bytes:
    """Return 32 bytes for any 255-bit `y`, canonical or not."""
    return (y | sign << 255).to_bytes(32, "little")


def recover(y: int, odd: int) -> Point | None:
    """Return the point with this `y`, and an odd or even `x`, if there is one."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * SQRT_M1 % P
    if x * x % P != square:
        return None
    return Point(P - x if x and x & 1 != odd else x, y % P)


def decode(data: bytes) -> Point | None:
    """Return the point of 32 bytes as a lenient reader sees it: y modulo P, any sign of zero."""
    number = int.from_bytes(data, "little")
    return recover((number & (1 << 255) - 1) % P, number >> 255)


def _base() -> Point:
    point = recover(4 * pow(5, -1, P) % P, 0)
    assert point
    return point


def _torsion() -> list[Point]:
    """The eight points of small order, as multiples of one of order 8."""
    y = 2
    while True:
        point = recover(y, 0)
        generator = multiply(L, point) if point else IDENTITY
        if multiply(4, generator) != IDENTITY:
            return [multiply(i, generator) for i in range(8)]
        y += 1


BASE: Final = _base()
TORSION: Final = _torsion()


def order(point: Point) -> int:
    """Return the order of a point of small order."""
    return next(n for n in (1, 2, 4, 8) if multiply(n, point) == IDENTITY)


def small_order_encodings() -> list[tuple[str, bytes]]:
    """Every 32 bytes that a lenient reader takes for a point of small order, named."""
    found = [
        (f"order {order(point)}, {i} times the generator", encode(point))
        for i, point in enumerate(TORSION)
    ]
    known = {data for _, data in found}
    for y, name in ((0, "y=p"), (1, "y=p+1"), (-1, "y=p-1")):
        for sign in (0, 1):
            data = raw(y + P, sign)
            if data not in known:
                found.append((f"non-canonical {name} sign {sign}", data))
    found.append(("non-canonical y=1 sign 1", raw(1, 1)))
    return found


class Secret(NamedTuple):
    """A seed expanded as in RFC 8032 section 5.1.5."""

    scalar: int
    prefix: bytes
    public: Point


def expand(seed: bytes) -> Secret:
    """Return a seed's scalar, nonce prefix and public point."""
    digest = sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    return Secret(scalar, digest[32:], multiply(scalar, BASE))


def challenge(r: bytes, a: bytes, message: bytes) -> int:
    """Return the hash of R, A and the message as a scalar."""
    return int.from_bytes(sha512(r + a + message).digest(), "little") % L


def sign(
    scalar: int, nonce: int, message: bytes, a: bytes, twist: Point = IDENTITY, extra: int = 0
) -> bytes:
    """Return a signature with R = nonce * B + twist, and S raised by `extra`."""
    r = encode(add(multiply(nonce, BASE), twist))
    s = (nonce + challenge(r, a, message) * scalar) % L + extra
    return r + s.to_bytes(32, "little")


def verdicts(a: bytes, message: bytes, signature: bytes) -> tuple[bool, bool]:
    """Return what the equation of RFC 8032 says without and with the cofactor of 8.

    Encodings are read leniently; which of them may count is for the caller to decide.
    """
    point, r = decode(a), decode(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if point is None or r is None:
        return False, False
    right = add(r, multiply(challenge(signature[:32], a, message), point))
    left = multiply(s, BASE)
    return left == right, multiply(8, left) == multiply(8, right)


def is_canonical(data: bytes) -> bool:
    """Say whether 32 bytes are the one encoding of some point."""
    point = decode(data)
    return point is not None and encode(point) == data


def in_prime_group(data: bytes) -> bool:
    """Say whether 32 bytes are a canonical point of order L."""
    point = decode(data)
    if point is None or not is_canonical(data) or point == IDENTITY:
        return False
    return multiply(L, point) == IDENTITY
