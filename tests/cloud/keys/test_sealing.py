"""Sealed secrets: who opens them, and nobody else; the file of a master key."""

import asyncio
import base64
import os
import stat
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from cloud.keys.master_file import BadKeyFile, generate, read
from cloud.keys.sealing import MasterKey, SealBroken, Sealer, open_envelope, parse_master_key

FIRST, SECOND, THIRD = (bytes(range(n, n + 32)) for n in (1, 2, 3))
CONTEXT = "event-key/0192"
secrets_ = st.binary(max_size=200)
keys_ = st.binary(min_size=32, max_size=32)


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """Derive a key as XChaCha20 does (draft-irtf-cfrg-xchacha §2.2), by plain arithmetic."""
    s = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def quarter(a: int, b: int, c: int, d: int) -> None:
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xFFFFFFFF
            mixed = s[z] ^ s[x]
            s[z] = (mixed << turn | mixed >> (32 - turn)) & 0xFFFFFFFF

    for _ in range(10):
        for n in range(4):
            quarter(n, n + 4, n + 8, n + 12)
        for n in range(4):
            quarter(n, 4 + (n + 1) % 4, 8 + (n + 2) % 4, 12 + (n + 3) % 4)
    return struct.pack("<8I", *s[:4], *s[12:])


def test_the_second_implementation_knows_the_drafts_answer() -> None:
    """HChaCha20 here gives the example of draft-irtf-cfrg-xchacha §2.2.1."""
    nonce = bytes.fromhex("000000090000004a0000000031415927")
    assert hchacha20(bytes(range(32)), nonce) == bytes.fromhex(
        "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"
    )


@given(keys_, st.binary(min_size=24, max_size=24), secrets_, st.text(st.characters(codec="utf-8")))
def test_another_implementation_opens_it(
    key: bytes, nonce: bytes, secret: bytes, context: str
) -> None:
    """OpenSSL, after the key derivation above, opens what libsodium sealed."""
    sealed = MasterKey(key, random=lambda size: nonce[:size]).seal(secret, context)
    assert sealed[0] == 1
    assert sealed[9:33] == nonce
    opened = ChaCha20Poly1305(hchacha20(key, nonce[:16])).decrypt(
        bytes(4) + nonce[16:], sealed[33:], sealed[:9] + context.encode()
    )
    assert opened == secret


@given(secrets_, st.text(st.characters(codec="utf-8")))
def test_what_is_sealed_is_opened(secret: bytes, context: str) -> None:
    """Unsealing gives the secret back, and sealing twice never the same bytes."""
    sealer: Sealer = MasterKey(FIRST)
    sealed = sealer.seal(secret, context)
    assert sealer.unseal(sealed, context) == secret
    assert sealer.seal(secret, context) != sealed
    assert len(sealed) == 1 + 8 + 24 + len(secret) + 16


@given(secrets_, st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_a_secret_opens_in_its_own_place_only(secret: bytes, context: str, other: str) -> None:
    """Moved to another row, a sealed secret does not open."""
    sealer = MasterKey(FIRST)
    if context != other:
        with pytest.raises(SealBroken, match="does not open"):
            sealer.unseal(sealer.seal(secret, context), other)


@given(secrets_, st.data())
def test_every_bit_counts(secret: bytes, data: st.DataObject) -> None:
    """One flipped bit anywhere, also in the header, is found."""
    sealer = MasterKey(FIRST, [SECOND])
    sealed = bytearray(sealer.seal(secret, CONTEXT))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBroken):
        sealer.unseal(bytes(sealed), CONTEXT)


def test_every_byte_counts() -> None:
    """Cut off anywhere, or lengthened, it does not open."""
    sealer = MasterKey(FIRST)
    sealed = sealer.seal(b"a secret", CONTEXT)
    for wrong in [sealed[:n] for n in range(len(sealed))] + [sealed + b"\0", b"\0" + sealed]:
        with pytest.raises(SealBroken):
            sealer.unseal(wrong, CONTEXT)


@given(st.binary(max_size=200))
def test_no_bytes_break_it(sealed: bytes) -> None:
    """Any bytes are one error, also behind a right header."""
    sealer = MasterKey(FIRST)
    header = sealer.seal(b"", CONTEXT)[:9]
    for wrong in (sealed, header + sealed):
        with pytest.raises(SealBroken) as broken:
            sealer.unseal(wrong, CONTEXT)
        assert broken.value.code == "seal_broken"


def test_another_master_key_does_not_open() -> None:
    """Neither a stranger's key nor one whose id was written into the header."""
    sealed = MasterKey(FIRST).seal(b"a secret", CONTEXT)
    stranger = MasterKey(SECOND)
    relabelled = stranger.seal(b"", CONTEXT)[:9] + sealed[9:]
    for wrong in (sealed, relabelled):
        with pytest.raises(SealBroken):
            stranger.unseal(wrong, CONTEXT)


def test_the_master_key_is_rotated() -> None:
    """Old keys open, the newest seals, and what is old says so until it is sealed again."""
    old = MasterKey(FIRST)
    sealed = old.seal(b"a secret", CONTEXT)
    assert not old.needs_reseal(sealed)
    both = MasterKey(SECOND, [FIRST])
    assert both.needs_reseal(sealed)
    anew = both.seal(both.unseal(sealed, CONTEXT), CONTEXT)
    assert not both.needs_reseal(anew)
    assert MasterKey(THIRD, [SECOND, FIRST]).unseal(anew, CONTEXT) == b"a secret"
    assert MasterKey(SECOND).unseal(anew, CONTEXT) == b"a secret"
    with pytest.raises(SealBroken):
        old.unseal(anew, CONTEXT)
    with pytest.raises(SealBroken):
        both.needs_reseal(b"not sealed at all")


class Vault:
    """A key service in this process, which wraps with a key that never leaves it."""

    def __init__(self) -> None:
        self._inner = MasterKey(THIRD)

    def wrap(self, key: bytes) -> bytes:
        return self._inner.seal(key, "master")

    async def unwrap(self, wrapped: bytes) -> bytes:
        return self._inner.unseal(wrapped, "master")


def test_a_key_service_opens_the_envelope() -> None:
    """Master keys that are stored wrapped make the same sealer as bare ones, or none."""
    vault = Vault()
    sealed = MasterKey(FIRST).seal(b"a secret", CONTEXT)
    sealer = asyncio.run(open_envelope(vault, vault.wrap(SECOND), [vault.wrap(FIRST)]))
    assert sealer.unseal(sealed, CONTEXT) == b"a secret"
    assert sealer.needs_reseal(sealed)
    assert not MasterKey(SECOND).needs_reseal(sealer.seal(b"", CONTEXT))
    with pytest.raises(SealBroken):
        asyncio.run(open_envelope(vault, bytes(73)))


@pytest.mark.parametrize("keys", [(b"",), (FIRST[:31],), (FIRST + b"\0",), (FIRST, b"short")])
def test_a_key_of_another_size_is_refused(keys: tuple[bytes, ...]) -> None:
    """The C library would read past the end of a short key."""
    with pytest.raises(ValueError, match="32 bytes"):
        MasterKey(keys[0], keys[1:])


def test_a_master_key_is_not_shown() -> None:
    """Its representation counts the keys and shows none."""
    shown = repr(MasterKey(FIRST, [SECOND]))
    assert shown.endswith(", 1 older)")
    assert FIRST.hex() not in shown
    assert SECOND.hex() not in shown


@given(keys_)
def test_a_key_as_text(key: bytes) -> None:
    """Hexadecimal and both kinds of base64 are read, with a line's end behind them."""
    texts = [key.hex(), key.hex().upper(), base64.b64encode(key).decode()]
    texts += [base64.urlsafe_b64encode(key).decode(), texts[-1].rstrip("=")]
    assert {parse_master_key(f"{text}\n") for text in texts} == {key}


@pytest.mark.parametrize("text", ["", "00" * 31, "zz" * 32, "AAAA", "00" * 33, "é" * 44, "!" * 44])
def test_another_text_is_no_key(text: str) -> None:
    """The sentence says what would be right and does not repeat what was given."""
    with pytest.raises(ValueError, match="64 hexadecimal digits") as refused:
        parse_master_key(text)
    assert not text or text not in str(refused.value)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o277])
def test_a_new_key_is_its_owners_alone(tmp_path: Path, mask: int) -> None:
    """A generated file has mode 0600 under any umask, and nothing lies beside it."""
    path = tmp_path / "master.key"
    # umask belongs to the whole process, so it is set in another one.
    code = (
        "import os,sys,pathlib; os.umask(int(sys.argv[2]));"
        "from cloud.keys.master_file import generate;"
        "sys.stdout.buffer.write(generate(pathlib.Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(path), str(mask)]
    root = Path(__file__).parents[3]
    key = subprocess.run(command, capture_output=True, check=True, cwd=root).stdout
    assert read(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    """A second `generate` is refused, and the first key stays."""
    path = tmp_path / "master.key"
    key = generate(path)
    with pytest.raises(BadKeyFile, match="already"):
        generate(path)
    assert read(path) == key
    assert list(tmp_path.iterdir()) == [path]


def test_of_many_who_generate_one_succeeds(tmp_path: Path) -> None:
    """Workers that start together end up with one key."""
    path, made, refused = tmp_path / "master.key", list[bytes](), list[BadKeyFile]()

    def work() -> None:
        try:
            made.append(generate(path))
        except BadKeyFile as error:
            refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (made, len(refused)) == ([read(path)], 7)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o777])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """The sentence says what to do."""
    path = tmp_path / "master.key"
    generate(path)
    path.chmod(mode)
    with pytest.raises(BadKeyFile, match=f"{mode:04o}.*chmod 600"):
        read(path)


def test_a_credential_of_systemd_is_accepted(tmp_path: Path) -> None:
    """0400 is stricter than 0600."""
    path = tmp_path / "master.key"
    key = generate(path)
    path.chmod(0o400)
    assert read(path) == key


def test_a_tag_is_of_its_key_its_context_and_what_it_tells() -> None:
    """The newest key's comes first, and each is 32 bytes, whatever is told."""
    (tag,) = MasterKey(FIRST).tags(b"told", CONTEXT)
    assert len(tag) == 32
    assert MasterKey(SECOND, [FIRST]).tags(b"told", CONTEXT) == [
        *MasterKey(SECOND).tags(b"told", CONTEXT), tag,
    ]  # fmt: skip
    others = [
        MasterKey(SECOND).tags(b"told", CONTEXT)[0], MasterKey(FIRST).tags(b"tolD", CONTEXT)[0],
        MasterKey(FIRST).tags(b"told", CONTEXT + "x")[0],
        MasterKey(FIRST).tags(b"xtold", CONTEXT[:-1])[0],
    ]  # fmt: skip
    assert len({tag, *others}) == 5


@pytest.mark.parametrize("size", [0, 31, 33, 1000])
def test_a_file_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    """A key is 32 bytes, not a text of them and no line's end."""
    path = tmp_path / "master.key"
    path.write_bytes(bytes(size))
    path.chmod(0o600)
    with pytest.raises(BadKeyFile, match="exactly 32 bytes"):
        read(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A missing file, a folder and a pipe each get a sentence, and none hangs."""
    with pytest.raises(BadKeyFile, match="No such file"):
        read(tmp_path / "missing")
    with pytest.raises(BadKeyFile, match="directory"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(BadKeyFile, match="not a file"):
        read(tmp_path / "pipe")
    with pytest.raises(BadKeyFile, match="can't be written"):
        generate(tmp_path / "missing" / "master.key")
