"""The worked examples of spec/log.md and spec/devices.md are vectors, and their tables whole."""

import re
from hashlib import sha256

import pytest

from shared import keys
from shared.errors import SENTENCES
from shared.log.chain import Fault
from tests.vectors import wire
from tests.vectors.spec import FOLDER, examples
from tests.vectors.suite import Json, load


def page(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def vector(suite: str, name: str) -> Json:
    [found] = [vector for vector in load(suite)["vectors"] if vector["name"] == name]
    return found  # type: ignore[no-any-return]


def test_the_records_of_the_log_s_page_are_vectors() -> None:
    """A reader who types an example in gets what the vectors have."""
    shown = examples("log.md")
    assert shown["entry"].hex() == vector("log", "decode/good IN")["input"]["record"]
    chain = bytes.fromhex(vector("log", "chain/good")["input"]["records"])
    assert shown["boot"] == chain[:256]
    assert shown["boot-hash"] == sha256(chain[:256]).digest() == chain[256 + 32 : 256 + 64]


def test_the_stamps_of_the_log_s_page_are_vectors() -> None:
    """Each row of the clock's table is a vector of that name."""
    rows = re.findall(r"\| `(\w{16})` \| (\d+) \| `(\w{16})` \| `(tick/.+?)` \|", page("log.md"))
    assert len(rows) == 3
    for last, wall, stamp, name in rows:
        found = vector("log", name)
        assert found["input"] == {"op": "tick", "last": last, "wall": int(wall)}
        assert found["expect"] == {"stamp": stamp}


def test_the_bytes_of_the_devices_page_are_vectors() -> None:
    """Hello, request, stamp, countersignature and the roster's header."""
    shown = examples("devices.md")
    suite = load("devices")
    assert shown["roster-header"] == bytes.fromhex(suite["roster"])[:14]
    assert shown["hello"].hex() == vector("devices", "hello/made")["expect"]["hello"]
    assert shown["stamp"].hex() == vector("devices", "stamp/answer")["input"]["raw"]
    badge = vector("devices", "badge/OVERRIDE by a supervisor")["input"]["blob"]
    assert shown["countersignature"].hex() == badge
    request = vector("devices", "request/good")["input"]
    assert request["header"] in page("devices.md")
    signature = bytes.fromhex(request["header"].rsplit(".", maxsplit=1)[1])
    gate = wire.public(wire.seed("gate A"))
    assert keys.verify(gate, b"usher/request/v1\0", shown["request-message"], signature)


def test_the_texts_of_the_devices_page_are_vectors() -> None:
    """The offer, its digits, and the command's body."""
    text = page("devices.md")
    digits = vector("devices", "digits/plain")
    assert digits["input"]["offer"] in text
    assert f"`{digits['expect']['digits']}`" in text
    command = bytes.fromhex(vector("devices", "command/wipe")["input"]["raw"])[14:-64]
    assert command.decode() in text


@pytest.mark.parametrize(
    ("name", "families"),
    [
        ("log.md", ("record", "log")),
        ("devices.md", ("roster", "enrol", "request", "command", "stamp")),
    ],
)
def test_every_failure_code_is_in_its_table(name: str, families: tuple[str, ...]) -> None:
    """A code that the spec doesn't know could not be implemented by a third party."""
    rows = "".join(line for line in page(name).splitlines() if line.startswith("|"))
    codes = {code for code in SENTENCES if code.split("_")[0] in families}
    assert codes
    assert {code for code in codes if f"`{code}`" not in rows} == set()
    named = set(re.findall(rf"`((?:{'|'.join(families)})_\w+)`", rows))
    assert named <= codes


def test_every_fault_of_a_chain_is_in_its_table() -> None:
    """Likewise."""
    assert all(f"| `{fault}` |" in page("log.md") for fault in Fault)


@pytest.mark.parametrize("name", ["log.md", "devices.md"])
def test_every_vector_that_a_page_names_exists(name: str) -> None:
    """A reference to a vector that was renamed would lead nowhere."""
    for suite in ("log", "devices"):
        ops = {vector["input"]["op"] for vector in load(suite)["vectors"]}
        for named in re.findall(rf"`((?:{'|'.join(ops)})/[\w ,]+)`", page(name)):
            assert vector(suite, named)
