"""The worked examples of spec/claims.md are what the code writes, and its table is whole."""

from shared.claims.messages import Grant, InDoubt, Wrong, decode_claim, encode_answer, encode_claim
from shared.errors import SENTENCES
from tests.scribe import EVENT, Scribe, hashed, root
from tests.vectors.spec import FOLDER, examples


def test_the_bytes_of_the_page_are_what_is_written() -> None:
    """A reader who types an example in gets what the code writes, signature and all."""
    shown = examples("claims.md")
    claim, scribe = decode_claim(shown["claim"]), Scribe("A")
    assert claim[:6] == (7, bytes(range(16)), scribe.device, EVENT, hashed("t"), (root("t"),))
    assert claim.signed_by(scribe.public)
    assert encode_claim(claim) == shown["claim"]
    assert encode_answer(Grant(claim.nonce)) == shown["grant"]
    assert encode_answer(InDoubt(claim.nonce)) == shown["in-doubt"]
    assert encode_answer(Wrong(claim.nonce, 8)) == shown["wrong"]


def test_every_failure_code_is_in_its_table() -> None:
    """A code that the spec doesn't know could not be implemented by a third party."""
    rows = (FOLDER / "claims.md").read_text("utf-8").splitlines()
    table = "".join(line for line in rows if line.startswith("|"))
    codes = {code for code in SENTENCES if code.startswith("claim_")}
    assert {code for code in codes if f"`{code}`" not in table} == set()
