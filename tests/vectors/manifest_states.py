"""Vectors of heads, snapshots and deltas: what a device that holds something makes of more."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.vectors import wire
from tests.vectors import wire_manifest as m
from tests.vectors.suite import Json, vector

NOW: Final = 1_800_001_000
Chunks = Mapping[int, bytes]

A: Final = m.record("0a", 0)
B: Final = m.record("0a80", 1, holder="01020304")
C: Final = m.record("f9", 2, status=4)
CHUNKS: Final = {0x0A: A + B, 0xF9: C}
BLOB: Final = bytes(range(60))
NAMES: Final = {0x0A: m.sized(BLOB) + b"\0", 0xF9: b"\0"}


def hexed(chunks: Chunks | None) -> Json | None:
    """Return chunks by their index in hex."""
    return None if chunks is None else {f"{i:02x}": data.hex() for i, data in chunks.items()}


def held(version: int, signer: str = "manifest", names: Chunks | None = None, **more: Any) -> Json:
    """Return a manifest that a device may hold."""
    raw = m.sign(m.head(version, CHUNKS, names, **more), signer)
    return {"head": raw.hex(), "chunks": hexed(CHUNKS), "names": hexed(names)}


CHAIN: Final = m.step(bytes(32), 4, b"")  # where version 4 has brought the chain
MANIFESTS: Final = {
    "five": held(5, delta=CHAIN.hex()),
    "named": held(5, names=NAMES, delta=CHAIN.hex()),
    "stolen": held(2**32 - 1, "revoked manifest"),
}


def case(op: str, name: str, why: str, raw: bytes, expect: Json, **given: Any) -> Json:
    """Return a vector: a device with `held` is offered a head."""
    device = {"held": "five", "head": raw.hex(), "now_ms": NOW * 1000, "trusted": True}
    return vector(op, name, why, device | given, expect)


def head(
    name: str, why: str, expect: Json, version: int = 6, held: str | None = "five",
    signer: str = "manifest", trusted: bool = True, **changed: Any,
) -> Json:  # fmt: skip
    """Return a vector of a head alone."""
    raw = m.sign(m.head(version, CHUNKS, **changed), signer)
    return case("head", name, why, raw, expect, held=held, trusted=trusted)


def heads() -> Iterator[Json]:
    """Yield heads that are to follow version 5."""
    yield head("next", "One version on.", {"version": 6})
    yield head("jump", "Snapshots may leave versions out.", {"version": 99}, 99)
    yield head("first", "A device that holds nothing.", {"version": 1}, 1, None)
    why = "The very same bytes, offered again."
    yield head("again", why, {"version": 5}, 5, delta=CHAIN.hex())
    why = "300 seconds are a slow clock."
    yield head("300 s ahead", why, {"version": 6}, issued=NOW + 300)
    yield head("last second", "expires - 1", {"version": 6}, expires=NOW + 1)
    why = "Nothing vouches for the clock."
    yield head("expired, untrusted", why, {"version": 6}, expires=NOW, trusted=False)
    yield head("ahead, untrusted", why, {"version": 6}, issued=NOW + 301, trusted=False)
    why = "Windows of keys can't be judged either."
    yield head("old key, untrusted", why, {"version": 6}, signer="old manifest", trusted=False)
    why = "What a revoked key signed binds nobody (fast-forward)."
    yield head("after a stolen key", why, {"version": 6}, held="stolen")
    for name, why, error, more in (
        ("rollback", "A lower version.", "manifest_rollback", {"version": 4}),
        ("rollback, untrusted", "Versions need no clock.", "manifest_rollback",
         {"version": 4, "trusted": False}),
        ("forked", "Other bytes of version 5.", "manifest_forked", {"version": 5}),
        ("ahead", "301 seconds.", "manifest_future", {"issued": NOW + 301}),
        ("expired", "Half-open.", "manifest_expired", {"expires": NOW}),
        ("window", "Issued at expiry.", "manifest_window", {"expires": 1_800_000_000}),
        ("other event", "The same key signs for it.", "manifest_event", {"event": "00" * 8}),
        ("unknown key", "Nobody's.", "document_unknown_key", {"signer": "stranger"}),
        ("roster key", "One key, one role.", "document_unknown_key", {"signer": "roster"}),
        ("root key", "The root signs keysets only.", "document_unknown_key", {"signer": "root"}),
        ("revoked key", "Withdrawn.", "document_unknown_key", {"signer": "revoked manifest"}),
        ("revoked key, untrusted", "Revoked without regard to time.", "document_unknown_key",
         {"signer": "revoked manifest", "trusted": False}),
        ("old key", "Its window is over.", "document_unknown_key", {"signer": "old manifest"}),
        ("255 chunks", "One is missing.", "document_body", {"chunks": [""] * 255}),
        ("257 chunks", "One too many.", "document_body", {"chunks": [""] * 257}),
        ("short hash", "Not 32 bytes.", "document_body", {"chunks": ["00"] + [""] * 255}),
        ("version 0", "They begin with 1.", "document_body", {"version": 0}),
        ("too many tickets", "One more than an event may have.", "document_body",
         {"tickets": 2**21 + 1}),
        ("one name", "256 or none.", "manifest_names", {"names": [""]}),
        ("names missing", "None for a chunk that has tickets.", "manifest_names",
         {"names": [""] * 256}),
        ("names of no tickets", "Some for an empty chunk.", "manifest_names",
         {"names": ["00" * 32] * 256}),
    ):  # fmt: skip
        yield head(name, why, {"error": error}, **more)
    body = wire.spell(m.head(6, CHUNKS))
    raw = wire.seal("roster", body, wire.seed("manifest"))
    yield case("head", "other kind", "A roster.", raw, {"error": "document_kind"})
    raw = m.sign(m.head(6, CHUNKS))
    flipped = raw[:50] + bytes([raw[50] ^ 1]) + raw[51:]
    why = "In the version."
    yield case("head", "bit flipped", why, flipped, {"error": "document_bad_signature"})


def snapshot(
    name: str, why: str, expect: Json, chunks: list[tuple[int, bytes]], body: Json | None = None,
    names: list[tuple[int, bytes]] | None = None, held: str | None = None,
) -> Json:  # fmt: skip
    """Return a vector: what comes in is added in order; `names` None: no names are wanted."""
    raw = m.sign(body or m.head(6, CHUNKS, NAMES))
    pieces = {
        "with_names": names is not None,
        "chunks": [[i, data.hex()] for i, data in chunks],
        "names": [[i, data.hex()] for i, data in names or []],
    }
    return case("snapshot", name, why, raw, expect, held=held, **pieces)


def snapshots() -> Iterator[Json]:
    """Yield manifests that come in chunk by chunk."""
    both = list(CHUNKS.items())
    named = list(NAMES.items())
    ten, last = both

    def whole(missing: list[int], names: list[int], tickets: int = 3) -> Json:
        return {"version": 6, "tickets": tickets, "missing": missing, "missing_names": names}

    yield snapshot("first", "Everything is fetched.", whole([0x0A, 0xF9], []), both)
    yield snapshot("any order", "And one of them twice.", whole([0x0A, 0xF9], []), [last, *both])
    why = "With their names."
    yield snapshot("names", why, whole([0x0A, 0xF9], [0x0A, 0xF9]), both, names=named)
    why = "All is there under the same hashes."
    yield snapshot("nothing to fetch", why, whole([], []), [], held="five")
    why = "Records are here, names are not."
    yield snapshot("names later", why, whole([], [0x0A, 0xF9]), [], names=named, held="five")
    why = "Names are here too."
    yield snapshot("names kept", why, whole([], []), [], names=[], held="named")
    why = "An event before its first ticket."
    yield snapshot("no tickets", why, whole([], [], 0), [], m.head(6, {}))
    grown = m.record("0a", 0, gen=2, klass=8, status=2, holder="05060708")
    after = {0x0A: grown + B, 0xF9: C}
    yield snapshot("grown", "One chunk changed.", whole([0x0A], []), [(0x0A, grown + B)],
                   m.head(6, after), held="five")  # fmt: skip
    for name, why, chunks, error in (
        ("chunk missing", "Not whole.", [ten], "manifest_incomplete"),
        ("other place", "The chunk of another place.", [ten, (0xF9, A + B)], "chunk_hash"),
        ("other status", "A blocked ticket made active.", [ten, (0xF9, m.record("f9", 2))],
         "chunk_hash"),
        ("emptied", "An empty chunk where there is one.", [ten, (0xF9, b"")], "chunk_hash"),
        ("unasked", "A chunk where there is none.", [*both, (0, m.record("00", 3))], "chunk_hash"),
        ("mixed", "The chunk of another version.", [(0x0A, grown + B), last], "chunk_hash"),
    ):  # fmt: skip
        yield snapshot(name, why, {"error": error}, chunks)
    made = snapshot("unwanted names", "This device holds none.", {"error": "names_unwanted"}, both,
                    names=named)  # fmt: skip
    yield made | {"input": made["input"] | {"with_names": False}}
    nameless = m.head(6, CHUNKS)
    yield snapshot("no names", "Wanted, and there are none.", whole([0x0A, 0xF9], []), both,
                   nameless, names=[])  # fmt: skip
    for name, why, names, error in (
        ("names missing", "Not whole.", named[:1], "manifest_incomplete"),
        ("names exchanged", "The other chunk's.", [(0x0A, b"\0"), named[1]], "names_hash"),
    ):
        yield snapshot(name, why, {"error": error}, both, names=names)
    foreign = m.head(6, CHUNKS) | {"chunks": [
        m.chunk_hash(i, CHUNKS[i], bytes(8)).hex() if i in CHUNKS else "" for i in range(256)
    ]}  # fmt: skip
    why = "Hashes of another event's chunks."
    yield snapshot("other event's hashes", why, {"error": "chunk_hash"}, both, foreign)
    for name, why, chunk, error in (
        ("unsorted", "Signed, and refused all the same.", B + A, "chunk_unsorted"),
        ("broken", "Signed, and refused all the same.", A + B[:-1], "chunk_length"),
    ):
        wrong = {0x0A: chunk, 0xF9: C}
        yield snapshot(name, why, {"error": error}, [*wrong.items()], m.head(6, wrong))
    for name, why, chunk, tickets, error in (
        ("more than stated", "The head says two.", C, 2, "table_count"),
        ("fewer than stated", "The head says four.", C, 4, "table_count"),
        ("number too high", "0, 1 and 3.", m.record("f9", 3), 3, "table_number"),
        ("number twice", "0, 1 and 1.", m.record("f9", 1), 3, "table_number_repeated"),
    ):
        table = {0x0A: A + B, 0xF9: chunk}
        body = m.head(6, table, tickets=tickets)
        yield snapshot(name, why, {"error": error}, [*table.items()], body)
    for name, why, chunk, error in (
        ("too many names", "Three for two records.", NAMES[0x0A] + b"\0", "names_count"),
        ("too few names", "One for two records.", m.sized(BLOB), "names_count"),
        ("names broken", "The second breaks off.", m.sized(BLOB) + b"\2", "names_truncated"),
    ):
        wrong = NAMES | {0x0A: chunk}
        body = m.head(6, CHUNKS, wrong)
        yield snapshot(name, why, {"error": error}, both, body, [*wrong.items()])
    for name, why, chunk, error in (
        ("removed", "B is gone, and another has its number.", A + m.record("0a90", 1),
         "ticket_removed"),
        ("number changed", "A and B exchanged.", m.record("0a", 1) + m.record("0a80", 0,
         holder="01020304"), "ticket_number_changed"),
        ("class changed", "The token says the old one.", m.record("0a", 0, klass=8) + B,
         "ticket_class_changed"),
        ("gen fell", "A sold ticket comes back.", m.record("0a", 0, gen=0) + B, "ticket_gen_fell"),
    ):  # fmt: skip
        table = {0x0A: chunk, 0xF9: C}
        changed = [(0x0A, chunk)]
        yield snapshot(name, why, {"error": error}, changed, m.head(6, table), held="five")


def delta(
    name: str, why: str, after: Chunks | str, changes: bytes, held: str = "five",
    names: Chunks | None = None, log: bytes | None = None, keep: bool = True, version: int = 6,
    **changed: Any,
) -> Json:  # fmt: skip
    """Return a vector: one entry to version 6. `after` as text is the failure."""
    failed = isinstance(after, str)
    chain = m.step(CHAIN, 6, changes).hex()
    table = CHUNKS if isinstance(after, str) else after
    raw = m.sign(m.head(version, table, names, **{"delta": chain} | changed))
    expect: Json = {"error": after} if failed else {
        "version": version, "chunks": hexed(table), "names": hexed(names if keep else None),
    }  # fmt: skip
    sent = m.entry(6, changes) if log is None else log
    return case("delta", name, why, raw, expect, held=held, log=sent.hex())


def deltas() -> Iterator[Json]:
    """Yield delta logs from version 5."""
    refunded, none = m.record("0a", 0, status=3), b"\0"
    yield delta("nothing changed", "Newer dates.", CHUNKS, b"")
    why = "One status."
    yield delta("refunded", why, CHUNKS | {0x0A: refunded + B}, refunded + none)
    sold = m.record("0a", 0, gen=2, klass=8, holder="0a0b0c0d")
    yield delta("sold on", "Class and holder with gen.", CHUNKS | {0x0A: sold + B}, sold + none)
    freed = m.record("f9", 2)
    yield delta("unblocked", "Blocked can be undone.", CHUNKS | {0xF9: freed}, freed + none)
    new = [m.record("0a40", 4), m.record("77", 3)]
    grown = {0x0A: A + new[0] + B, 0x77: new[1], 0xF9: C}
    why = "Numbers 3 and 4, by hash and not by number."
    yield delta("new", why, grown, new[0] + none + new[1] + none)
    two = m.entry(6, new[1] + none), m.entry(7, b"")
    chain = m.step(m.step(CHAIN, 6, new[1] + none), 7, b"").hex()
    grew = {0x0A: A + B, 0x77: m.record("77", 3), 0xF9: C}
    yield delta("two entries", "Version by version.", grew, b"", log=b"".join(two), version=7,
                delta=chain)  # fmt: skip
    why = "A device without names leaves them out."
    blob = m.sized(bytes(60))
    yield delta("names unheld", why, CHUNKS | {0x0A: refunded + B}, refunded + blob,
                names=NAMES | {0x0A: blob + b"\0"}, keep=False)  # fmt: skip
    for name, why, sent, after in (
        ("name gone", "A zero byte: no name from now on.", none, none + none),
        ("name replaced", "The whole name.", blob, blob + none),
    ):
        yield delta(name, why, CHUNKS | {0x0A: refunded + B}, refunded + sent, "named",
                    NAMES | {0x0A: after})  # fmt: skip
    right = refunded + none
    table = {"chunks": m.head(6, CHUNKS | {0x0A: refunded + B})["chunks"]}
    why = "An event that ceases to have names starts its chain anew."
    yield delta("names dropped", why, "delta_result", right, "named", **table)
    for name, why, log, error in (
        ("nothing", "The head is a version on.", b"", "delta_end"),
        ("too far", "One entry more than the head.", m.entry(6, right) + m.entry(7, b""),
         "delta_end"),
        ("late start", "Begins with 7.", m.entry(7, right), "delta_start"),
        ("early start", "Begins with 5.", m.entry(5, right) + m.entry(6, b""), "delta_start"),
        ("gap", "6, 8.", m.entry(6, right) + m.entry(8, b""), "delta_gap"),
        ("entry twice", "6, 6.", m.entry(6, right) * 2, "delta_gap"),
        ("other changes", "A status that was not signed.", m.entry(6, m.record("0a", 0, status=2)
         + none), "delta_chain"),
        ("unparsed", "No change is read before the chain holds.", m.entry(6, b"\xff" * 7),
         "delta_chain"),
        ("cut in the header", "7 bytes.", m.entry(6, right)[:7], "delta_truncated"),
        ("cut in the changes", "A byte less.", m.entry(6, right)[:-1], "delta_truncated"),
        ("a byte more", "Another header begins.", m.entry(6, right) + b"\0", "delta_truncated"),
        ("entry too large", "It states one byte more than an entry may have.",
         bytes.fromhex("0000000600100001"), "delta_entry_too_large"),
    ):  # fmt: skip
        yield delta(name, why, error, right, log=log)
    fork = m.step(bytes(32), 6, right).hex()
    yield delta("forked", "The new head's chain leaves out version 5.", "delta_chain", right,
                delta=fork)  # fmt: skip
    anew = "00" * 32
    yield delta("started anew", "Take a snapshot.", "delta_chain", right, delta=anew)
    for name, why, changes, error in (
        ("record cut", "28 bytes.", refunded[:-1], "delta_truncated"),
        ("name missing", "No byte after the record.", refunded, "names_truncated"),
        ("name cut", "59 of 60 bytes.", refunded + blob[:-1], "names_truncated"),
        ("name of one step", "2 to 12.", refunded + b"\1" + bytes(44), "names_size"),
        ("status 6", "Unknown.", m.record("0a", 0, status=6) + none, "ticket_status"),
        ("unsorted", "B, A.", B + none + A + none, "delta_unsorted"),
        ("ticket twice", "A, A.", right + right, "delta_repeated"),
        ("number changed", "0 to 1.", m.record("0a", 1) + none, "ticket_number_changed"),
        ("gen fell", "1 to 0.", m.record("0a", 0, gen=0) + none, "ticket_gen_fell"),
        ("class changed", "At gen 1.", m.record("0a", 0, klass=8) + none, "ticket_class_changed"),
        ("holder changed", "At gen 1.", m.record("0a80", 1, holder="09090909") + none,
         "ticket_holder_changed"),
        ("holder dropped", "A bound ticket made static.", m.record("0a80", 1) + none,
         "ticket_holder_changed"),
        ("number skipped", "4 where 3 is next.", m.record("77", 4) + none, "ticket_number_new"),
        ("number reused", "2 belongs to C.", m.record("77", 2) + none, "ticket_number_new"),
        ("number twice", "3 and 3.", m.record("0a40", 3) + none + m.record("77", 3) + none,
         "ticket_number_new"),
    ):  # fmt: skip
        yield delta(name, why, error, changes)
    again = refunded + none, m.record("0a", 0, gen=2) + none
    chain = m.step(m.step(CHAIN, 6, again[0]), 7, again[1]).hex()
    log = m.entry(6, again[0]) + m.entry(7, again[1])
    why = "Refunded, and active in the next entry."
    yield delta("reinstated", why, "ticket_reinstated", b"", log=log, version=7, delta=chain)
    wrong = m.head(6, CHUNKS | {0x0A: m.record("0a", 0, status=2) + B})["chunks"]
    why = "Chain and changes agree, the head's chunks are another table's (mix-and-match)."
    yield delta("other table", why, "delta_result", right, chunks=wrong)
    why = "Another chunk than the one that changed."
    wrong = m.head(6, {0x0A: refunded + B, 0xF9: m.record("f9", 2)})["chunks"]
    yield delta("other chunk", why, "delta_result", right, chunks=wrong)
    yield delta("other count", "One ticket more.", "delta_result", right, tickets=4, **table)
    why = "The name is not the one that was signed."
    names = NAMES | {0x0A: blob + none}
    yield delta("other name", why, "delta_result", right, "named", names, **table)
    made = delta("nothing held", "There is nothing to change.", "manifest_missing", right)
    yield made | {"input": made["input"] | {"held": None}}
    why = "What is held was signed by a revoked key: only a snapshot helps."
    yield delta("stolen held", why, "manifest_missing", right, "stolen")
    yield delta("old head", "A lower version.", "manifest_rollback", right, version=4)


def states() -> Iterator[Json]:
    """Yield all of them."""
    for group in (heads, snapshots, deltas):
        yield from group()
