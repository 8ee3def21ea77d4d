"""The code against tests/vectors/manifest.json, which is made from the spec without it."""

from collections.abc import Callable, Sequence

import pytest

from shared.errors import UsherError
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.manifest import chunk, frames, names, sealed, ticket
from shared.manifest.trusted import TrustedManifest
from tests.vectors import generate_manifest, spec
from tests.vectors.suite import Json, load, text_of

SUITE = load("manifest")
EVENT = bytes.fromhex(SUITE["event"])
PINNED = TrustedKeys(bytes.fromhex(SUITE["root"]))
TRUSTED = PINNED.accept(bytes.fromhex(SUITE["keyset"]))


def holding(name: str | None) -> TrustedManifest:
    """Return a device's state: what it stored, read back without trusted time."""
    manifest = TrustedManifest(EVENT)
    if name is None:
        return manifest
    stored = SUITE["manifests"][name]
    # What a since revoked key signed was accepted before it was revoked.
    trusted = before_revocation() if name == "stolen" else TRUSTED
    raw = bytes.fromhex(stored["head"])
    wanted = stored["names"] is not None
    assembly = manifest.preload(raw, trusted, Instant(0, False), with_names=wanted)
    for place, data in stored["chunks"].items():
        assembly = assembly.add(int(place, 16), bytes.fromhex(data))
    for place, data in (stored["names"] or {}).items():
        assembly = assembly.add_names(int(place, 16), bytes.fromhex(data))
    return manifest.take(assembly, trusted)


def offered(given: Json) -> bytes:
    """Return the head that a vector offers."""
    return bytes.fromhex(SUITE["heads"][given["head"]])


def before_revocation() -> TrustedKeys:
    """Return the keyset as it was before any key in it was revoked."""
    keyset: Json = generate_manifest.KEYSET
    keys = [key | {"revoked": False} for key in keyset["keys"]]
    return PINNED.accept(generate_manifest.sign(keyset | {"keys": keys}))


def record(given: Json) -> Json:
    found = ticket.unpack(bytes.fromhex(given["raw"]))
    assert ticket.pack(found).hex() == given["raw"]
    return {
        "ticket": {
            "hash": found.ticket_hash.hex(),
            "number": found.number,
            "gen": found.gen,
            "class": found.ticket_class,
            "status": int(found.status),
            "holder": found.holder.hex(),
        }
    }


def records(given: Json) -> Json:
    raw = bytes.fromhex(given["raw"])
    chunk.check(given["index"], raw)
    return {"tickets": len(list(chunk.iterate(raw)))}


def name(given: Json) -> Json:
    found = sealed.open_sealed(bytes.fromhex(given["blob"]), bytes.fromhex(given["ticket"]))
    return found._asdict()


def blobs(given: Json) -> Json:
    return {"sizes": [len(blob) for blob in names.iterate(bytes.fromhex(given["raw"]))]}


def frame(given: Json) -> Json:
    taken, rest = frames.take(bytes.fromhex(given["raw"]))
    return {"frames": [[index, data.hex()] for index, data in taken], "rest": rest.hex()}


def head(given: Json) -> Json:
    now = Instant(given["now_ms"], given["trusted"])
    accepted = holding(given["held"]).accept(offered(given), TRUSTED, now)
    return {"version": accepted.version}


def snapshot(given: Json) -> Json:
    now = Instant(given["now_ms"], given["trusted"])
    manifest = holding(given["held"])
    raw = offered(given)
    assembly = manifest.preload(raw, TRUSTED, now, with_names=given["with_names"])
    missing = {"missing": assembly.missing, "missing_names": assembly.missing_names}
    for index, data in given["chunks"]:
        assembly = assembly.add(index, bytes.fromhex(data))
    for index, data in given["names"]:
        assembly = assembly.add_names(index, bytes.fromhex(data))
    held = manifest.take(assembly, TRUSTED).held
    assert held
    return {"version": held.head.version, "tickets": held.table.tickets} | missing


def delta(given: Json) -> Json:
    now = Instant(given["now_ms"], given["trusted"])
    manifest = holding(given["held"])
    raw, log = offered(given), bytes.fromhex(given["log"])
    held = manifest.follow(raw, log, TRUSTED, now).held
    assert held
    return {
        "version": held.head.version,
        "chunks": hexed(held.table.chunks),
        "names": hexed(held.table.names) if held.table.names else None,
    }


def hexed(chunks: Sequence[bytes]) -> Json:
    return {f"{index:02x}": each.hex() for index, each in enumerate(chunks) if each}


OPERATIONS: dict[str, Callable[[Json], Json]] = {
    "record": record,
    "chunk": records,
    "name": name,
    "names": blobs,
    "frames": frame,
    "head": head,
    "snapshot": snapshot,
    "delta": delta,
}


@pytest.mark.parametrize("vector", SUITE["vectors"], ids=lambda vector: vector["name"])
def test_a_manifest_is_taken_as_its_vector_says(vector: Json) -> None:
    """Each vector gives its result, or fails with its code."""
    try:
        result = OPERATIONS[vector["input"]["op"]](vector["input"])
    except UsherError as error:
        result = {"error": error.code}
    assert result == vector["expect"], vector["comment"]


def test_the_suite_is_large_enough_to_mean_something() -> None:
    """There are at least 150 vectors, so that no empty file passes."""
    assert len(SUITE["vectors"]) >= 150


def test_the_suite_is_what_its_generator_makes() -> None:
    """The file is the generator's output, to the byte."""
    assert text_of(SUITE) == text_of(generate_manifest.build())


# Inputs of half a megabyte and more; tests/unit/test_manifest_limits.py has them.
TOO_LARGE_FOR_A_FILE = {"chunk_too_large", "names_too_large", "delta_too_large", "delta_too_long"}
AT_SEALING = {"name_too_long"}


def test_every_failure_of_the_specification_has_a_vector() -> None:
    """The codes of the spec's tables are those of the vectors, but for very large inputs."""
    seen = {vector["expect"].get("error") for vector in SUITE["vectors"]} - {None}
    listed = spec.codes("manifest.md")
    envelope = {code for code in seen if code.startswith("document_")}
    assert seen - envelope == listed - TOO_LARGE_FOR_A_FILE - AT_SEALING
