"""The model of claims holds what spec/claims.md promises, and every mutant of it does not."""

import subprocess
from pathlib import Path

import pytest

MODEL = Path(__file__).with_name("claims.pml")
SECONDS = 300  # of one run: a busy machine takes several times as long as an idle one
RESTARTS, CUTS, SLOW = "-DRESTARTS=1", "-DCUTS=1", "-DSLOW=1"
STRUCK = "-DROSTERS=1 -DSTRUCK=1"

# name: what is changed, into what, and in which world it has to be found out
MUTANTS = {
    "grants what another holds": (
        "others_claim(o, who, rights) -> m = BUSY",
        "others_claim(o, who, rights) -> m = GRANT",
        "-DGUESTS=2",
    ),
    "grants what is used up": (
        "ready(o) && (log[o] & rights) -> m = RECORD",
        "ready(o) && (log[o] & rights) -> m = GRANT",
        "-DGUESTS=2",
    ),
    "grants after a restart without hearing anybody": (
        "#define ready(i) (((heard[i] | bit(i)) & waited(i)) == waited(i))",
        "#define ready(i) true",
        RESTARTS,
    ),
    "does not hear what members may still write": (
        "if :: z -> holding(a, b, y % 16, z) :: else fi;",
        "",
        RESTARTS,
    ),
    "lets a lease run out when its line is lost": (
        "heard[a] = heard[a] & ~bit(b);",
        "heard[a] = heard[a] & ~bit(b); let_go(a, b);",
        CUTS,
    ),
    "does not flag the second owner's grants": (
        "degraded[e] = (by != owner(0, under[e]));",
        "degraded[e] = false;",
        SLOW,
    ),
    "keeps waiting on a line that is gone": (
        ":: st[c] == ASKED && owner(place[c], under[c]) == d -> next(c)",
        ":: false -> next(c)",
        RESTARTS,
    ),
    "asks for ever": ("busy[e] < AGAIN -> busy[e]++;", "busy[e] < AGAIN ->", "-DGUESTS=2"),
}


def check(folder: Path, model: str, options: str) -> str:
    """Return what the checker says of a model with these options."""
    (folder / "claims.pml").write_text(model, encoding="utf-8")

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=True
        )
        return done.stdout

    run("spin", "-a", *options.split(), "claims.pml")
    # Optimizing takes 19 s of processor time, and saves most searches less than that.
    run("gcc", "-O0", "-w", "-DSAFETY", "-DHC4", "-DNOREDUCE", "-o", "pan", "pan.c")
    return run("./pan", "-m1000000", "-w24")


@pytest.mark.parametrize("options", ["-DGUESTS=3", SLOW, CUTS, STRUCK, RESTARTS])
def test_the_model_holds(tmp_path: Path, options: str) -> None:
    """Every state is looked at, and none breaks a promise or leaves somebody waiting."""
    said = check(tmp_path, MODEL.read_text("utf-8"), options)
    assert "errors: 0" in said, said
    assert "max search depth too small" not in said
    assert "Search not completed" not in said


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_found_out(tmp_path: Path, name: str) -> None:
    """A model that could lose a rule unnoticed would show nothing."""
    old, new, options = MUTANTS[name]
    model = MODEL.read_text("utf-8")
    assert model.count(old) == 1, "the mutant's line has changed"
    assert "errors: 1" in check(tmp_path, model.replace(old, new), options)
