"""Form-encoded bodies, as Stripe's clients write them, and as nobody should."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.payments.fake import form
from cloud.payments.fake.refusals import Refusal


def test_brackets_nest() -> None:
    """Names with brackets are values within values; lists have indices or empty brackets."""
    body = b"amount=1&metadata[a b]=x%26y&list[0]=p&list[1]=q&more[]=r&more[]=s&a[b][c]=1&empty="
    parsed = form.parse(body)
    assert parsed["amount"] == "1"
    assert parsed["metadata"] == {"a b": "x&y"}
    assert form.listed(parsed, "list") == ["p", "q"]
    assert form.listed(parsed, "more") == ["r", "s"]
    assert parsed["a"] == {"b": {"c": "1"}}
    assert parsed["empty"] == ""


@pytest.mark.parametrize(
    "body", [b"\xff=1", b"a=%ff", b"a=1&a[b]=2", b"a[b]=1&a[b][c]=2", b"a=1&" * 501]
)
def test_what_can_mean_two_things_is_refused(body: bytes) -> None:
    """A body that is no text, that contradicts itself, or has too many fields is a 400."""
    with pytest.raises(Refusal) as refusal:
        form.parse(body)
    assert refusal.value.status == 400


@given(st.dictionaries(st.text(st.characters(exclude_characters="[]", exclude_categories=["Cs"])),
                       st.text(st.characters(exclude_categories=["Cs"])), max_size=20))  # fmt: skip
def test_flat_forms_come_back(said: dict[str, str]) -> None:
    """What was encoded is decoded, whatever the names and values."""
    named = {name: value for name, value in said.items() if name}
    assert form.parse(urlencode(named).encode()) == named


@given(st.one_of(st.binary(max_size=200), st.text("ab[]=&%0", max_size=60).map(str.encode)))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """Nothing that comes in breaks the reading."""
    try:
        parsed = form.parse(body)
    except Refusal as refusal:
        assert refusal.status == 400  # noqa: PT017
        return
    assert isinstance(parsed, dict)
