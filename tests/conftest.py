"""How deep Hypothesis looks, and where compiled modules are kept.

- `dev`, the default: new examples at every run, so that each developer's run searches
  somewhere else; a failure is kept in .hypothesis and tried first.
- `ci`, where CI is set: the same examples at every run. One commit has one verdict, and
  nobody's change is refused for what another's search has just found; the two others search.
- `long`, by `make test-long`: new examples, and forty times as many.

No profile has a deadline: a slow example is no wrong one. A test may lower its examples
relative to the profile by its strategies, never by a fixed `max_examples`, or `long` would
not deepen it.

Where PYTHONDONTWRITEBYTECODE is set, as in many a container, each of the hundreds of processes
that tests start would compile all that it imports, which takes a service longer than all else of
its start. They keep it in `.cache` then, and nothing beside the sources, as was asked.

A connection that nobody closed is found out when its memory is freed, in whatever test runs then:
it says in which it was made.
"""

import os
import sys
from asyncio import selector_events
from pathlib import Path
from typing import Any, Final

from hypothesis import settings

if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    bytecode = str(Path(__file__).parents[1] / ".cache" / "bytecode")
    sys.pycache_prefix = os.environ.setdefault("PYTHONPYCACHEPREFIX", bytecode)
    sys.dont_write_bytecode = False

settings.register_profile("dev", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True, database=None)
settings.register_profile("long", deadline=None, print_blob=True, max_examples=4000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)

TRANSPORT: Final = selector_events._SelectorTransport  # type: ignore[attr-defined]
MADE: Final = TRANSPORT.__init__
SHOWN: Final = TRANSPORT.__repr__


def _make(transport: Any, *given: Any, **named: Any) -> None:
    MADE(transport, *given, **named)
    transport.made_in = os.environ.get("PYTEST_CURRENT_TEST", "no test")


TRANSPORT.__init__ = _make
TRANSPORT.__repr__ = lambda transport: f"{SHOWN(transport)[:-1]} made in {transport.made_in}>"
