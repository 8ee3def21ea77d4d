"""Search lists: sealed to supervisors' badges, signed by the organizer, changed part by part."""

from collections.abc import Callable
from hashlib import sha256

import msgspec
import pytest
from nacl.bindings import crypto_aead_chacha20poly1305_ietf_encrypt

from shared import hashing, keys
from shared.errors import Malformed, Refused, Untrusted, UsherError
from shared.manifest.search import (
    FULL,
    MAX_PART,
    MAX_PARTS,
    Entry,
    SearchHead,
    Words,
    check_part,
    joined,
    lacking,
    make_head,
    open_part,
    open_search_head,
    open_series,
    packed,
    seal_part,
)
from shared.manifest.search_keys import Series, seal_text
from shared.signed import Kind, seal
from shared.token import parse
from tests.publisher import EVENT, NOW, SIGNER, TRUSTED, hash_of
from tests.vectors import spec

ANA = Entry(hash_of(1), "Ana Ruiz", "B 12", "A-1001", 7)
BO = Entry(hash_of(2), "Bo", "", "A-1002", 7)
SERIES = Series(EVENT, b"s" * 16, sha256(b"key").digest())
NEXT = Series(EVENT, b"t" * 16, sha256(b"next key").digest())
BADGE, OTHER = (keys.secret_key(bytes((n,)) * 32) for n in (1, 2))
SALT = b"\x05" * 32
FIRST = Words([ANA, BO], [])
PARTS = [
    seal_part(SERIES, 0, FIRST, SALT),
    seal_part(SERIES, 1, Words([ANA], [BO.ticket]), b"\6" * 32),
]


def digests(parts: list[bytes]) -> list[bytes]:
    return [sha256(part).digest() for part in parts]


def head(parts: list[bytes] = PARTS, series: Series = SERIES, version: int = 1) -> SearchHead:
    return make_head(series, version, digests(parts), {keys.public_key(BADGE): b"\x09" * 32})


def raised(act: Callable[[], object]) -> UsherError:
    with pytest.raises(UsherError) as caught:
        act()
    return caught.value


def named(error: UsherError) -> tuple[type[UsherError], str]:
    return type(error), error.code


def test_the_badge_opens_what_is_sealed_to_it() -> None:
    """From the publisher's list to the supervisor's, through the signed head."""
    opened = open_search_head(seal(Kind.SEARCH, head(), SIGNER), TRUSTED, NOW)
    series = open_series(opened, BADGE)
    assert series == SERIES
    assert [check_part(opened, at, part) for at, part in enumerate(PARTS)] == digests(PARTS)
    assert open_part(series, 0, PARTS[0]) == FIRST


def test_a_later_part_changes_and_takes_back() -> None:
    """The newest word on each ticket counts, whichever part has it."""
    renamed = msgspec.structs.replace(ANA, name="Ana Soto")
    words = [FIRST, Words([renamed], [BO.ticket]), Words([], [hash_of(3)])]
    assert joined(words) == {ANA.ticket: renamed}
    assert joined([*words, Words([BO], [])]) == {ANA.ticket: renamed, BO.ticket: BO}
    assert joined([FIRST, Words([renamed], [ANA.ticket])])[ANA.ticket] == renamed


def test_no_name_is_to_be_seen_in_what_is_stored() -> None:
    """A device without the badge holds noise."""
    stored = seal(Kind.SEARCH, head(), SIGNER) + b"".join(PARTS)
    assert b"Ruiz" not in stored
    assert b"A-1001" not in stored


def test_another_badge_opens_nothing() -> None:
    """It is not even named."""
    assert named(raised(lambda: open_series(head(), OTHER))) == (Refused, "search_not_for_badge")


def test_a_key_sealed_to_another_badge_does_not_open() -> None:
    """Whoever moves a sealed key to another badge's name gains nothing."""
    (sealed,) = head().keys.values()
    other = make_head(SERIES, 1, digests(PARTS), {keys.public_key(OTHER): b"\x08" * 32})
    moved = msgspec.structs.replace(other, keys=dict.fromkeys(other.keys, sealed))
    assert named(raised(lambda: open_series(moved, OTHER))) == (Untrusted, "search_sealed")


@pytest.mark.parametrize("point", ["00" * 32, "ff" * 32, "01" + "00" * 31])
def test_a_point_that_agrees_with_everybody_opens_nothing(point: str) -> None:
    """An ephemeral key of small order."""
    ((badge, sealed),) = head().keys.items()
    broken = msgspec.structs.replace(head(), keys={badge: point + sealed[64:]})
    assert raised(lambda: open_series(broken, BADGE)).code == "search_sealed"


@pytest.mark.parametrize(
    ("series", "place"),
    [
        (SERIES, 1),
        (NEXT, 0),
        (SERIES._replace(number=b"t" * 16), 0),
        (SERIES._replace(event=b"arena-02"), 0),
    ],
)
def test_a_part_opens_at_its_place_alone(series: Series, place: int) -> None:
    """Under another place, series or event its key is another."""
    assert raised(lambda: open_part(series, place, PARTS[0])).code == "search_sealed"


def test_a_badge_of_the_old_series_opens_nothing_of_the_new() -> None:
    """Who was revoked has the old key still, and it fits no part that comes after."""
    after = seal_part(NEXT, 0, FIRST, SALT)
    without = make_head(NEXT, 2, digests([after]), {keys.public_key(OTHER): b"\x07" * 32})
    assert raised(lambda: open_series(without, BADGE)).code == "search_not_for_badge"
    held = open_series(head(), BADGE)
    assert raised(lambda: open_part(held, 0, after)).code == "search_sealed"
    assert open_part(open_series(without, OTHER), 0, after) == FIRST


def test_a_place_that_is_written_again_shares_no_key_with_what_was_there() -> None:
    """With one key and nonce, the difference of the texts would show."""
    other = Words([msgspec.structs.replace(ANA, name="Ana Soto"), BO], [])
    one, two = (seal_part(SERIES, 0, words, SALT) for words in (FIRST, other))
    assert one[32:40] == two[32:40]  # one salt: the same stream
    assert seal_part(SERIES, 0, FIRST, b"\7" * 32)[32:40] != one[32:40]


@pytest.mark.parametrize(
    ("place", "part"),
    [
        (0, PARTS[0] + b"\0"),
        (0, PARTS[0][:-1]),
        (0, PARTS[1]),
        (1, PARTS[0]),
        (2, PARTS[0]),
        (-1, PARTS[1]),
        (0, b""),
    ],
)
def test_other_parts_than_those_signed_are_refused(place: int, part: bytes) -> None:
    """Changed, cut off, swapped or of no place: the head names each by its hash."""
    error = raised(lambda: check_part(head(), place, part))
    assert named(error) == (Untrusted, "search_hash")


def test_a_part_that_is_too_large_is_refused_although_it_is_named() -> None:
    """A device's memory is not the publisher's to fill."""
    large = bytes(MAX_PART + 1)
    assert raised(lambda: check_part(head([large]), 0, large)).code == "search_hash"
    assert check_part(head([large[:-1]]), 0, large[:-1])


def test_what_is_lacking_is_known() -> None:
    """By digest: what is here under the same hash is not asked for again."""
    held = dict.fromkeys(digests(PARTS), b"")
    assert lacking(head(), held.get) == []
    del held[digests(PARTS)[0]]
    assert lacking(head(), held.get) == [0]
    assert lacking(head(), lambda _: None) == [0, 1]


@pytest.mark.parametrize(
    "text",
    [
        {"not": "a list"},
        [[]],
        [[], [b"short"]],
        [[[bytes(15), "", "", "", 0]], []],
        [[[bytes(16), "n" * 201, "", "", 0]], []],
        [[[bytes(16), "", "", "", 1 << 16]], []],
    ],
)
def test_words_of_another_form_are_refused(text: object) -> None:
    """Sealed rightly and yet no part."""
    part = seal_text(SERIES, 0, msgspec.msgpack.encode(text), SALT)
    assert named(raised(lambda: open_part(SERIES, 0, part))) == (Malformed, "search_text")


@pytest.mark.parametrize("size", [0, 1, 31, 32, 47])
def test_a_part_of_no_length_opens_to_nothing(size: int) -> None:
    """Shorter than salt and tag."""
    assert raised(lambda: open_part(SERIES, 0, bytes(size))).code == "search_sealed"


def test_a_head_of_too_many_parts_is_refused() -> None:
    """Whoever signed it: a device asks for no more than it can hold."""
    most = make_head(SERIES, 1, [SALT] * MAX_PARTS, {})
    assert open_search_head(seal(Kind.SEARCH, most, SIGNER), TRUSTED, NOW) == most
    more = make_head(SERIES, 1, [SALT] * (MAX_PARTS + 1), {})
    raw = seal(Kind.SEARCH, more, SIGNER)
    assert raised(lambda: open_search_head(raw, TRUSTED, NOW)).code == "document_body"


def test_a_large_list_is_packed_into_parts_that_fit() -> None:
    """Nothing is lost between two parts, and none grows beyond the cap."""
    entries = [Entry(hash_of(n), "Ń" * 200, "s" * 200, "o" * 200, 1) for n in range(2000)]
    gone = [hash_of(n) for n in range(5000, 60_000)]
    parts = list(packed(entries, gone))
    assert [each for words in parts for each in words.entries] == entries
    assert [each for words in parts for each in words.gone] == gone
    sizes = [len(seal_part(SERIES, 0, words, SALT)) for words in parts]
    assert len(sizes) > 4
    assert all(FULL <= size < MAX_PART for size in sizes[:-1])
    assert list(packed([])) == []


def test_the_specification_is_what_the_code_makes() -> None:
    """The worked example of spec/files.md §3."""
    page, text = spec.examples("files.md"), spec.texts("files.md")
    series = Series(bytes.fromhex("a1b2c3d4e5f60718"), b"\x50" * 16, b"\x51" * 32)
    ticket = parse(spec.texts()["static-ticket"]).token.ticket
    entry = Entry(hashing.id_hash(ticket), "Zoë Ávila", "B12/7", "3f9a2c1d", 7)
    part = seal_part(series, 0, Words([entry], []), b"\x52" * 32)
    assert part == page["search-part"]
    key, zero = page["search-part-key"], bytes(12)
    sealed = crypto_aead_chacha20poly1305_ietf_encrypt(page["search-text"], b"", zero, key)
    assert part[32:] == sealed
    badge = keys.secret_key(b"\x21" * 32)
    made = make_head(series, 1, digests([part]), {keys.public_key(badge): b"\x53" * 32})
    assert msgspec.json.encode(made).decode() == text["search-head"]
    head = msgspec.json.decode(text["search-head"], type=SearchHead)
    assert open_part(open_series(head, badge), 0, page["search-part"]).entries == [entry]
