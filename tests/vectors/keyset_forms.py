"""Vectors of keysets whose envelope or body is not in its one form."""

from collections.abc import Iterator
from typing import Any

from tests.vectors import wire
from tests.vectors.keyset_parts import NEXT, ROOT, bad, body, key, pk, signed
from tests.vectors.suite import Json


def frames() -> Iterator[Json]:
    """Yield documents whose envelope is wrong."""
    right = signed()
    text = wire.spell(body())

    def wrong(**parts: Any) -> bytes:
        return wire.seal("keyset", text, ROOT, **parts)

    for name, raw, error in (
        ("nothing", b"", "document_truncated"),
        ("77 bytes", right[:77], "document_truncated"),
        ("78 bytes", right[:78], "document_length"),
        ("magic", wrong(magic=b"USHE"), "document_magic"),
        ("version 0", wrong(version=0), "document_version"),
        ("version 2", wrong(version=2), "document_version"),
        ("other kind", wire.seal("roster", text, ROOT), "document_kind"),
        ("kind 0", wrong(number=0), "document_kind"),
        ("length one more", wrong(length=len(text) + 1), "document_length"),
        ("length one less", wrong(length=len(text) - 1), "document_length"),
        ("length all ones", wrong(length=2**32 - 1), "document_length"),
        ("a byte more", right + b"\0", "document_length"),
        ("a byte less", right[:-1], "document_length"),
        ("other kid", wrong(kid=bytes(4)), "document_unknown_key"),
        ("domain of another kind", wrong(domain="roster"), "document_bad_signature"),
        (
            "signed by another",
            wire.seal("keyset", text, NEXT, kid=wire.kid(wire.public(ROOT))),
            "document_bad_signature",
        ),
        (
            "bit of the body",
            right[:20] + bytes((right[20] ^ 1,)) + right[21:],
            "document_bad_signature",
        ),
        ("bit of the signature", right[:-1] + bytes((right[-1] ^ 1,)), "document_bad_signature"),
        ("no JSON, not signed", right[:14] + b"x" + right[15:], "document_bad_signature"),
    ):
        yield bad(f"frame {name}", "The body would do.", raw, error)


def bodies() -> Iterator[Json]:
    """Yield bodies that are signed by the root and are not a keyset, or not spelled as one."""
    text = wire.spell(body())
    whole = wire.spell(body(keys=[]))
    for name, wrong, error in (
        ("empty", b"", "document_body"),
        ("no JSON", b"keyset", "document_body"),
        ("an array", b"[]", "document_body"),
        ("two values", whole + b"{}", "document_body"),
        ("byte order mark", b"\xef\xbb\xbf" + whole, "document_body"),
        ("not UTF-8", whole.replace(b"null", b'"\xff"'), "document_body"),
        ("unknown field", whole[:-1] + b',"more":1}', "document_body"),
        ("deep nesting", whole[:-3] + b"[" * 5000 + b"]" * 5000 + b"}", "document_body"),
        ("missing field", whole.replace(b',"successor":null', b""), "document_body"),
        ("version as text", whole.replace(b'"version":1', b'"version":"1"'), "document_body"),
        ("version 0", wire.spell(body(0)), "document_body"),
        ("version 2^32", wire.spell(body(2**32)), "document_body"),
        ("negative time", wire.spell(body(issued=-1)), "document_body"),
        ("time beyond 2^40", wire.spell(body(expires=2**40 + 1)), "document_body"),
        ("root one digit short", wire.spell(body(root=ROOT) | {"root": "0" * 63}), "document_body"),
        ("hex with line end", wire.spell(body() | {"root": pk("root") + "\n"}), "document_body"),
        ("upper-case hex", wire.spell(body() | {"root": pk("root").upper()}), "document_body"),
        ("unknown role", wire.spell(body(keys=[key("admin", "one")])), "document_body"),
        ("empty event", wire.spell(body(keys=[key("manifest", "one", "")])), "document_body"),
        (
            "event of 7 bytes",
            wire.spell(body(keys=[key("issuer", "one", "00" * 7)])),
            "document_body",
        ),
        (
            "revoked as number",
            wire.spell(body(keys=[key("roster", "one", revoked=0)])),
            "document_body",
        ),
        ("white space", text.replace(b":", b": ", 1), "document_spelling"),
        ("line end", text + b"\n", "document_spelling"),
        ("equal key twice", text[:-1] + b',"version":1}', "document_spelling"),
        ("other key twice", text[:-1] + b',"version":2}', "document_spelling"),
        ("fields in disorder", wire.spell(dict(reversed(body().items()))), "document_spelling"),
        ("escaped letter", text.replace(b"manifest", b"m\\u0061nifest", 1), "document_spelling"),
    ):
        yield bad(f"body {name}", "Validly signed.", wire.seal("keyset", wrong, ROOT), error)
