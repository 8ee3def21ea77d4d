"""A guest list of nothing but bad lines takes no more memory than a good one."""

import pytest

from cloud.errors import Refusal
from cloud.tickets.guests_file import MOST, read


def test_a_list_of_bad_lines_is_refused_where_it_becomes_too_long() -> None:
    """The line after the last that is looked at is named."""
    with pytest.raises(Refusal) as refused:
        read(b"class;name;email\n" + b"x\n" * (MOST + 5), [])
    assert refused.value.code == "guests_too_many"
