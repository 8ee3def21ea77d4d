"""spec/rules.md says what the code and the vectors do."""

import re

from shared.errors import SENTENCES
from shared.outcomes import Outcome
from shared.rules.decision import OVERRIDABLE
from tests.vectors.spec import FOLDER, examples
from tests.vectors.suite import load

PAGE = (FOLDER / "rules.md").read_text(encoding="utf-8")


def test_the_table_of_outcomes_is_the_codes() -> None:
    """Number, code, signal and sentence of each, and no other."""
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (green|amber|red|machine) \| (.*) \|$", PAGE, re.M)
    assert rows == [(str(o.number), o.code, o.signal.value, o.sentence) for o in Outcome]


def test_every_fault_of_a_plan_is_in_its_table() -> None:
    """So is what a device may not be posted at."""
    rows = set(re.findall(r"^\| `((?:plan|post)_\w+)` \|", PAGE, re.MULTILINE))
    assert rows == {code for code in SENTENCES if code.startswith(("plan_", "post_"))}


def test_what_may_be_overridden_is_in_its_table() -> None:
    """The left column, and nothing else."""
    [row] = re.findall(r"^\| (`already_admitted`.*?) \|", PAGE, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == {outcome.code for outcome in OVERRIDABLE}


def test_every_vector_that_the_page_names_exists() -> None:
    """Each example is data that a third party can run."""
    suite = load("rules")
    named = {
        name
        for group in re.findall(r"\(?vectors? ((?:`[\w-]+`(?:, )?)+)", PAGE)
        for name in re.findall(r"`([\w-]+)`", group)
    }
    assert len(named) > 15
    assert named <= {vector["name"] for vector in suite["vectors"]}


def test_the_right_of_the_first_example_is_its_vectors() -> None:
    """Id hash and root right as a third party computes them."""
    suite = load("rules")
    [first] = [v for v in suite["vectors"] if v["name"] == "first-entry"]
    assert suite["ticket"] in PAGE
    assert first["expect"]["drafts"][0]["ref"] == examples("rules.md")["first-right"].hex()
    assert first["expect"]["drafts"][0]["terms"] == 0xFF
