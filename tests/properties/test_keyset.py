"""Laws of the keyset: versions never fall, and no document breaks the reader."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared import keys
from shared.errors import SENTENCES, UsherError
from shared.instant import Instant
from shared.keyset import Key, Keyset, TrustedKeys
from shared.signed import HEADER, Kind, seal
from tests.vectors import wire

ROOTS = [keys.secret_key(bytes((n,)) * 32) for n in range(3)]
PKS = [keys.public_key(secret) for secret in ROOTS]
NOW = Instant(1_800_000_000_000)
EXPIRES = NOW.seconds + 10
PINNED = TrustedKeys(PKS[0])
ISSUER = Key("issuer", "00" * 8, keys.public_key(b"\x09" * 32).hex(), 0, EXPIRES, False)


def signed(
    version: int, signer: int, successor: int | None, entries: tuple[Key, ...] = ()
) -> bytes:
    """Return a keyset of one of the three roots."""
    announced = None if successor is None else PKS[successor].hex()
    root = PKS[signer].hex()
    keyset = Keyset(version, NOW.seconds - 10, EXPIRES, root, announced, entries)
    return seal(Kind.KEYSET, keyset, ROOTS[signer])


class Device(RuleBasedStateMachine):
    """A device to which anybody may offer whatever the roots have ever signed."""

    def __init__(self) -> None:
        super().__init__()
        self.held = PINNED
        self.announced: set[bytes] = {PKS[0]}
        self.highest = 0

    @rule(
        version=st.integers(1, 6),
        signer=st.integers(0, 2),
        successor=st.none() | st.integers(0, 2),
        full=st.booleans(),
        late=st.booleans(),
    )
    def offer(
        self, version: int, signer: int, successor: int | None, full: bool, late: bool
    ) -> None:
        """Take in a keyset, or stay as before."""
        raw = signed(version, signer, successor, (ISSUER,) if full else ())
        now = Instant(EXPIRES * 1000 if late else NOW.ms)
        try:
            held = self.held.update([raw], now)
        except UsherError:
            return  # and `self.held` is what it was: it cannot change
        if held is self.held:
            assert raw == self.held.raw
            return
        assert not late
        assert version > self.highest
        assert PKS[signer] in self.announced
        self.held, self.highest = held, version
        self.announced = {PKS[signer]} | (set() if successor is None else {PKS[successor]})

    @invariant()
    def what_is_held_can_be_kept(self) -> None:
        """The root in force and the bytes give it back after a restart."""
        if self.held.raw is not None:
            assert TrustedKeys(self.held.root).accept(self.held.raw) == self.held


TestDevice = Device.TestCase


def code_of(raw: bytes) -> str | None:
    """Return the code with which a document is refused, if it is."""
    try:
        PINNED.update([raw], NOW)
    except UsherError as error:
        return error.code
    return None


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: b"USHD\x01\x01" + tail))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    """Random bytes are refused with a known code."""
    assert code_of(raw) in SENTENCES


@given(st.data())
def test_no_change_of_a_document_is_accepted(data: st.DataObject) -> None:
    """Any bytes cut out and put in, anywhere: refused, or the very same document."""
    raw = signed(1, 0, 1, (ISSUER,))
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, len(raw)))
    changed = raw[:start] + data.draw(st.binary(max_size=100)) + raw[end:]
    assert changed == raw or code_of(changed) in SENTENCES


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=70),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["keys", "role", "pk", "root", "x"]), inner, max_size=5)
    ),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.sampled_from(["version", "issued", "expires", "root", "successor", "keys"]), json
    ),
    st.binary(max_size=20),
)
def test_no_signed_body_breaks_the_reader(changes: dict[str, Any], tail: bytes) -> None:
    """A root that signs anything at all gets a known code back."""
    body = signed(1, 0, 1, (ISSUER,))[HEADER.size : -keys.SIGNATURE_SIZE]
    fields = {"version": 1, "issued": 1, "expires": EXPIRES, "root": PKS[0].hex()}
    whole = wire.spell(fields | {"successor": None, "keys": []} | changes, escape=True)
    for wrong in (whole + tail, tail + body, body + tail):
        code = code_of(wire.seal("keyset", wrong, ROOTS[0][:32]))
        assert code is None or code in SENTENCES
