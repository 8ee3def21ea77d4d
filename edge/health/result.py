"""What a check comes to. Codes are stable; sentences are for people and hold nothing personal."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

MOST_SENTENCES: Final = 3


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"  # the gate goes on; somebody should look
    FAIL = "fail"  # people will stand in a queue because of this


OK, WARN, FAIL = State
_ORDER: Final = tuple(State)


class Result(NamedTuple):
    """One line of the report."""

    name: str
    state: State
    code: str
    value: str  # the figure behind it, for people; may be empty
    sentence: str
    todo: str = ""  # what to do next; empty where there is nothing to do

    def row(self) -> dict[str, str]:
        """Return it as JSON's own types."""
        return {**self._asdict(), "state": self.state.value}


def severity(state: State) -> int:
    """Return 0 for ok, 1 for warn, 2 for fail."""
    return _ORDER.index(state)


def worst(states: Iterable[State]) -> State:
    """Return the worst of some states; nothing is ok."""
    return max(states, key=severity, default=OK)


def unseen(name: str) -> Result:
    """Return the line of what can't be looked at from here."""
    return Result(name, OK, f"{name}_unseen", "", "Not seen from here.")


def together(results: Iterable[Result], fine: Result) -> Result:
    """Return one line for several findings: the worst one's, and what the others say.

    `fine` is the line where none is worse than ok.
    """
    found = [each for each in results if each.state is not OK]
    found.sort(key=lambda each: severity(each.state), reverse=True)
    if not found:
        return fine
    sentences = [each.sentence for each in found[:MOST_SENTENCES]]
    if more := len(found) - len(sentences):
        sentences.append(f"And {more} more.")
    return found[0]._replace(sentence=" ".join(sentences))
