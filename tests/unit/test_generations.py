"""The generation that a gate holds a ticket to (spec/rules.md §5)."""

from shared.generations import UNKNOWN, accept


def test_a_proved_generation_raises_and_never_lowers() -> None:
    """The newest word counts, whenever it is heard."""
    assert accept(UNKNOWN, 1, proved=True) == 1
    assert accept(2, 3, proved=True) == 3
    assert accept(3, 2, proved=True) == 3


def test_a_peers_bare_word_raises_nothing() -> None:
    """A stolen gate can't supersede every guest with generation 65535."""
    assert accept(1, 65535, proved=False) == 1
