"""Lines of a simulated chip: what is on at which level, from the very first moment."""

from collections.abc import Iterator

import pytest
from gpiozero.devices import Device
from gpiozero.pins.mock import MockFactory

from edge.signals.board import Board, Pin
from edge.signals.panel import Fitting, Outputs, safe


@pytest.fixture(autouse=True)
def chip() -> Iterator[MockFactory]:
    """Put a simulated chip in place of the machine's."""
    before, made = Device.pin_factory, MockFactory()
    Device.pin_factory = made
    yield made
    made.reset()
    Device.pin_factory = before


PINS = {"green": Pin(17), "red": Pin(22), "entry": Pin(5), "exit": Pin(6, inverted=True)}


def history(chip: MockFactory, number: int) -> list[int]:
    """Return every level that a line had since it became an output."""
    return [int(each.state) for each in chip.pin(number).states]


def test_lines_start_in_the_fail_safe_state(chip: MockFactory) -> None:
    """A relay's line was never at another level: no door twitches at the start."""
    board = Board(PINS, safe(Fitting("kiosk")))
    assert board.levels() == {"green": 0, "red": 1, "entry": 0, "exit": 0}
    assert history(chip, 5) == [0]
    assert history(chip, 6) == [0]
    board.close()


def test_an_inverted_relay_lets_pass_without_power(chip: MockFactory) -> None:
    """Locked is high and open is low, as it is when nothing drives the line."""
    board = Board(PINS, safe(Fitting("kiosk")))
    board.set(Outputs())
    assert board.levels()["exit"] == 1
    board.set(Outputs(exit=True))
    assert board.levels()["exit"] == 0
    board.close()


def test_only_what_changes_is_driven(chip: MockFactory) -> None:
    """A relay that stays as it is hears nothing."""
    board = Board(PINS, Outputs())
    for _ in range(3):
        board.set(Outputs(green=True))
    board.set(Outputs(red=True, entry=True))
    board.set(Outputs())
    assert history(chip, 17) == [0, 1, 0]
    assert history(chip, 5) == [0, 1, 0]
    assert history(chip, 6) == [0, 1]
    board.close()


def test_outputs_without_a_line_are_passed_over() -> None:
    """A gate with a speaker alone has no lines, and needs no chip."""
    Device.pin_factory = None
    board = Board({}, Outputs(red=True))
    board.set(Outputs(green=True, entry=True))
    assert board.levels() == {}
    board.close()
