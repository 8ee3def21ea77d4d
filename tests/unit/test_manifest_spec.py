"""The worked examples of spec/manifest.md are what the code makes."""

from datetime import UTC, datetime

from shared import hashing
from shared.manifest import delta, frames, names, sealed, ticket
from shared.manifest.delta import Change, Entry
from shared.manifest.head import CHAIN_START
from shared.manifest.sealed import Name
from shared.manifest.ticket import Status, TicketRecord
from shared.token import parse
from tests.vectors import spec

PAGE = spec.examples("manifest.md")
TICKET = parse(spec.texts()["static-ticket"])
EVENT = TICKET.token.event
RECORD = TicketRecord(hashing.id_hash(TICKET.token.ticket), 0, 1, 7, Status.ACTIVE)
CHUNK = RECORD.ticket_hash[0]
REFUNDED = delta.entry(2, [Change(RECORD._replace(status=Status.REFUNDED))])
NAME = PAGE["name"]


def test_the_record_is_that_of_the_ticket() -> None:
    """Packed and unpacked."""
    assert ticket.pack(RECORD) == PAGE["record"]
    assert ticket.unpack(PAGE["record"]) == RECORD


def test_the_chunk_hash_covers_event_and_place() -> None:
    """The chunk is the record alone."""
    assert hashing.chunk_hash(EVENT, CHUNK, PAGE["record"]) == PAGE["chunk-hash"]


def test_the_entry_refunds_the_ticket() -> None:
    """Encoded and decoded."""
    assert delta.encode([REFUNDED]) == PAGE["entry"]
    assert delta.decode(PAGE["entry"]) == [REFUNDED]


def test_the_chain_begins_with_zeros() -> None:
    """Version 1 started it."""
    assert hashing.delta_hash(EVENT, CHAIN_START, *REFUNDED) == PAGE["chain"]
    assert isinstance(REFUNDED, Entry)


def test_the_name_opens_with_the_ticket() -> None:
    """Sealed anew with the same nonce, it is the same bytes."""
    name = Name("Zoë Ávila", "B12/7")
    blob, _ = names.read(NAME, 0)
    assert sealed.open_sealed(blob, TICKET.ticket) == name
    assert sealed.seal(name, TICKET.ticket, blob[:12]) == blob
    assert names.encode([blob]) == NAME


def test_the_key_and_the_text_of_the_name_are_those_shown() -> None:
    """HKDF over ticket and signature; the text is filled up to 32 bytes."""
    secret = TICKET.token.ticket + TICKET.ticket[-64:]
    info = b"usher/name-key/v1\0" + EVENT + b"\x00\x01"
    assert sealed.hkdf(secret, b"", info, 32) == PAGE["name-key"]
    assert len(PAGE["name-text"]) == 32
    assert PAGE["name-text"].rstrip(b"\0") == b"\x0b" + "Zoë Ávila".encode() + b"\x05B12/7"


def test_the_names_hash_covers_event_and_place() -> None:
    """The names of the chunk are the one name."""
    assert hashing.names_hash(EVENT, CHUNK, NAME) == PAGE["names-hash"]


def test_the_frame_carries_the_chunk() -> None:
    """Encoded and taken."""
    assert frames.encode(CHUNK, PAGE["record"]) == PAGE["frame"]
    assert frames.take(PAGE["frame"]) == ([(CHUNK, PAGE["record"])], b"")


def test_the_seconds_of_the_calendar_are_those_moments() -> None:
    """The table names three moments; in UTC they are these."""
    text = (spec.FOLDER / "manifest.md").read_text(encoding="utf-8")
    for when in ("2026-03-29T01:00", "2026-10-25T00:30", "2026-10-25T01:30"):
        moment = datetime.fromisoformat(when).replace(tzinfo=UTC)
        assert f"| {int(moment.timestamp())} |" in text
