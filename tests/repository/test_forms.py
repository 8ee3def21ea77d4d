"""What a gate reads in several threads is learnt by msgspec before there are any.

msgspec learns a form at its first use and does not guard that against other threads: one that
reads what another has half written ends the process (shared/signed.py).
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECODERS = {"msgspec.json.Decoder", "msgspec.msgpack.Decoder"}
DECODES = {"msgspec.json.decode", "msgspec.msgpack.decode"}


def learns(source: str) -> list[str]:
    """Return the calls in functions that may have msgspec learn a form."""
    tree = ast.parse(source)
    names = {
        each.asname or each.name: f"{node.module}.{each.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    }
    calls = {
        call
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
    }
    return [ast.unparse(call) for call in calls if _learns(call, names)]


def _learns(call: ast.Call, names: dict[str, str]) -> bool:
    said = ast.unparse(call.func)
    name = names.get(said, said)
    typed = len(call.args) > 1 or any(each.arg == "type" for each in call.keywords)
    return name in DECODERS or (name in DECODES and typed)


@pytest.mark.parametrize("package", ["shared", "edge"])
def test_no_form_is_learnt_while_threads_run(package: str) -> None:
    """Decoders are made where a module is loaded."""
    found = {
        str(file.relative_to(ROOT)): calls
        for file in sorted((ROOT / package).rglob("*.py"))
        if (calls := learns(file.read_text()))
    }
    assert found == {}


def test_what_learns_is_found() -> None:
    """By its full name or an imported one; what has no form, or is made once, may stay."""
    late = "import msgspec\ndef read(raw):\n    return msgspec.json.decode(raw, type=Form)\n"
    again = (
        "from msgspec.json import Decoder\nasync def read(raw):\n    Decoder(Form).decode(raw)\n"
    )
    once = "import msgspec\nFORM = msgspec.json.Decoder(Form)\nmsgspec.json.decode(RAW)\n"
    assert [len(learns(each)) for each in (late, again, once)] == [1, 1, 0]
