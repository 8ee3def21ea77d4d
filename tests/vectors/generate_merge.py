"""Writes merge.json: stories told in one line an act, the records they make, what they mean.

    X in a            gate X admits on root right 0; the record is called a
    Y in b r1 n=2     on root right 1, with an allowance of 2
    X out o @a        X lets out and names a;   `X out o` names nothing
    Y in c after:a    on the right that an exit of a opened
    X undo u @a       ANNUL      X over p   OVERRIDE      X boot      a new incarnation

What is expected is written by hand beside each story, never taken from the code.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from shared.hashing import after_right
from shared.log.record import ZERO16, Kind, decode, record_id
from tests.scribe import EVENT, NO_CAP, RE_ENTRY, Scribe, hashed, root
from tests.vectors.suite import Json, named, save

TICKET: Final = "ticket"
BOOT: Final = {"X": "bootX", "Y": "bootY", "Z": "bootZ"}


class Case(NamedTuple):
    """One story. `incidents`: "kind record"; `inside`: people by "zone/day"."""

    name: str
    comment: str
    story: str
    incidents: list[str]
    inside: dict[str, int]
    unproved: str = ""  # records whose proof was not checked
    missing: str = ""  # records that have not arrived
    waiting: str = ""  # records that are quarantined
    gen: int = 0  # what the manifest says
    withdrawn: bool = False
    cutoff: str = ""  # the last record that counts of a revoked gate


CASES: Final = [
    # -- one right --
    Case("one-entry", "One person goes in.", "X in a", [], {"1/0": 1}),
    Case("copies", "Two gates that hear nothing of each other admit copies.",
         "X in a; Y in b", ["double_admission b"], {"1/0": 2}),
    Case("three-copies", "Each copy beyond the allowance is one incident.",
         "X in a; Y in b; Z in c", ["double_admission b", "double_admission c"], {"1/0": 3}),
    Case("copies-at-one-gate", "One device that writes both is no better.",
         "X in a; X in b", ["double_admission b"], {"1/0": 2}),
    Case("copies-one-leaves", "An exit relabels: the guest may have left unseen.",
         "X in a; Y in b; X out o @a", ["unseen_exit b"], {"1/0": 1}),
    Case("copies-one-leaves-and-returns", "An exit that was taken up excuses nobody.",
         "X in a; Y in b; X out o @a; X in c after:a", ["double_admission b"], {"1/0": 2}),
    Case("copies-both-leave", "One exit is enough to excuse the one entry in excess.",
         "X in a; Y in b; X out o @a; Y out p @b", ["unseen_exit b"], {"1/0": 0}),
    Case("copies-both-leave-and-return", "The second chain is two entries long.",
         "X in a; Y in b; X out o @a; Y out p @b; X in c after:a; Y in d after:b",
         ["double_admission b", "double_admission d"], {"1/0": 2}),
    Case("undone-and-admitted-elsewhere", "a is undone; Z knew only of a and reuses its right.",
         "X in a; Y in b; X undo u @a; Z in c", ["double_admission c"], {"1/0": 2}),
    Case("undone-copy", "An undone entry is no entry.",
         "X in a; Y in b; Y undo u @b", [], {"1/0": 1}),
    Case("undone-right-again", "The right that an undone entry had is free again.",
         "X in a; X undo u @a; X in b", [], {"1/0": 1}),
    # -- exits that were not seen --
    Case("unseen-exit-bound", "In at X, out at Y which had not heard of it, in again at Y.",
         "X in a; Y out o; Y in b after:o", [], {"1/0": 1}),
    Case("gate-that-saw-neither", "In and out at X, in at Z which saw neither.",
         "X in a; X out o @a; Z in b", ["unseen_exit b"], {"1/0": 1}),
    Case("gate-that-saw-neither-no-re-entry", "Where nobody may come back, no excuse.",
         "X in a t=127; X out o @a t=127; Z in b t=127", ["double_admission b"], {"1/0": 1}),
    Case("blind-exit-alone", "An exit of somebody never seen to enter.",
         "X out o", [], {"1/0": 0}),
    Case("blind-exit-of-the-only-entry", "It closes the entry that is open.",
         "X in a; Y out o", [], {"1/0": 0}),
    Case("blind-exit-before-its-entry-arrives", "The return counts; its first entry is missing.",
         "X in a; Y out o; Y in b after:o", [], {"1/0": 1}, missing="a"),
    Case("return-before-its-exit-arrives", "Nobody has seen the exit that b names.",
         "X in a; Y out o; Z in b after:o", ["double_admission b"], {"1/0": 2}, missing="o"),
    Case("second-gate-unaware-of-the-first-exit", "Both exits name a; the second was of b.",
         "X in a; Y out o @a; Z in b after:a; X out p @a; X in c after:a", [], {"1/0": 1}),
    Case("one-exit-two-returns", "Two gates admit on the right of one exit.",
         "X in a; X out o @a; Y in b after:a; Z in c after:a", ["double_admission c"], {"1/0": 2}),
    Case("repeated-exit", "Scanned out twice, then in: the second exit let nobody out.",
         "X in a; Y out o @a; Y out p @o; Y in b after:a", [], {"1/0": 1}),
    Case("repeated-exit-was-real", "What looked repeated was the exit of an entry at Z.",
         "X in a; Y out o @a; Z in b after:a; Y out p @o; Y in c after:a", [], {"1/0": 1}),
    Case("blind-exit-repeats", "Y let out somebody whom X had let out already.",
         "X in a; X out o @a; Y out p; Y in b after:p", [], {"1/0": 1}),
    Case("exit-of-an-undone-entry", "Undone and out: nobody is inside, in any order.",
         "X in a; X out o @a; X undo u @a", [], {"1/0": 0}),
    Case("long-chain", "One person in and out three times.",
         "X in a; X out o @a; X in b after:a; X out p @b; X in c after:b; X out q @c", [],
         {"1/0": 0}),
    Case("the-longer-chain-is-explained", "The excess is the shorter chain, whoever came first.",
         "X in a; Y in b; Y out o @b; Y in c after:b", ["double_admission a"], {"1/0": 2}),
    Case(
        "blind-exit-repeats-after-two-visits",
        "Whoever came in on the blind exit is inside, though exits outnumber entries.",
        "X in a; X out o @a; X in b after:a; X out p @b; Y out q; Y in c after:q",
        [],
        {"1/0": 1},
    ),
    Case(
        "two-repeated-exits",
        "Each repeated exit may have been somebody's whom another gate let in.",
        "X in a; Y out o @a; Y out p @o; Y out q @o; Z in b after:a; X in c after:a;"
        "Y in d after:a",
        [],
        {"1/0": 1},
    ),
    Case(
        "repeated-exits-too-few",
        "Two exits, three returns on their right.",
        "X in a; Y out o @a; Y out p @o; Z in b after:a; X in c after:a; Y in d after:a",
        ["double_admission d"],
        {"1/0": 2},
    ),
    Case(
        "the-longer-chain-is-explained-though-later",
        "More entries explained weighs more than better ones.",
        "X in a; X out o @a; X in b after:a; Y in c; Y out p @c; Y in d after:c; Y out q @d;"
        "Y in e after:d",
        ["double_admission a", "double_admission b"],
        {"1/0": 2},
    ),
    # -- several people on one ticket --
    Case("group-within-allowance", "Two of two.",
         "X in a n=2; Y in b r1 n=2", [], {"1/0": 2}),
    Case("group-on-one-right", "Two isolated gates pick the same root right of two.",
         "X in a n=2; Y in b n=2", [], {"1/0": 2}),
    Case("group-beyond-allowance", "The third of two; the largest allowance counts.",
         "X in a n=2; Y in b r1 n=2; Z in c n=1", ["double_admission c"], {"1/0": 3}),
    Case("group-leaves-by-two-gates", "Both exits name a, both returns the right after it.",
         "X in a n=2; X in b r1 n=2; Y out o @a n=2; Z out p @a n=2;"
         "Y in c after:a n=2; Z in d after:a n=2", [], {"1/0": 2}),
    Case("ten-entry-card", "Without re-entry each entry takes a root right.",
         "X in a n=3 t=127; X in b r1 n=3 t=127; X in c r2 n=3 t=127", [], {"1/0": 3}),
    # -- zones and days --
    Case("two-zones", "Each zone has its own pool.",
         "X in a; Y in b z=2", [], {"1/0": 1, "2/0": 1}),
    Case("two-days", "So has each day.",
         "X in a d=1; Y in b d=2", [], {"1/1": 1, "1/2": 1}),
    Case("third-day-of-two", "The earliest days are kept, whatever came first.",
         "X in c d=3 t=2; Y in a d=1 t=2; Z in b d=2 t=2", ["too_many_days c"],
         {"1/1": 1, "1/2": 1, "1/3": 1}),
    Case("copies-on-one-day", "A double admission is no day too many.",
         "X in a d=1 t=1; Y in b d=1 t=1", ["double_admission b"], {"1/1": 2}),
    Case("copies-on-a-day-too-many", "One incident each, of the kind that fits it.",
         "X in a d=1 t=1; Y in b d=2 t=1; Z in c d=2 t=1",
         ["double_admission c", "too_many_days b"], {"1/1": 1, "1/2": 2}),
    Case("cap-lifted", "The largest cap that a record carries counts; 127 is none.",
         "X in a d=1 t=1; Y in b d=2 t=127", [], {"1/1": 1, "1/2": 1}),
    # -- overrides, proofs, withdrawn and superseded tickets --
    Case("override", "Counted on a right of its own; its exit may be followed.",
         "X in a; Y over p; Y out o @p; Y in b after:p", [], {"1/0": 2}),
    Case("override-unproved", "Without the supervisor's signature it is an incident.",
         "X in a; Y over p", ["unproved_override p"], {"1/0": 2}, unproved="p"),
    Case("foreign-exit-unproved", "Another device's exit does not count without its token.",
         "X in a; Y out o @a", [], {"1/0": 1}, unproved="o"),
    Case("own-exit-unproved", "A device may close what it opened.",
         "X in a; X out o @a", [], {"1/0": 0}, unproved="o"),
    Case("blind-exit-unproved", "An exit that names nothing could close anybody's entry.",
         "X in a; X out o", [], {"1/0": 1}, unproved="o"),
    Case("foreign-undo-unproved", "Another device's undo does not count without a badge.",
         "X in a; Y undo u @a", [], {"1/0": 1}, unproved="u"),
    Case("own-undo-unproved", "A device may undo what it admitted.",
         "X in a; X undo u @a", [], {"1/0": 0}, unproved="u"),
    Case("withdrawn", "Admitted on a ticket that was revoked or refunded.",
         "X in a", ["revoked_admission a"], {"1/0": 1}, withdrawn=True),
    Case("withdrawn-override", "An override was somebody's decision.",
         "X over p", [], {"1/0": 1}, withdrawn=True),
    Case("superseded-by-the-manifest", "A newer generation is known.",
         "X in a g=1", ["superseded_admission a"], {"1/0": 1}, gen=2),
    Case("superseded-by-a-token", "The new code revokes the old one by itself.",
         "X in a g=1; Y in b g=2", ["double_admission b", "superseded_admission a"], {"1/0": 2}),
    Case("generation-made-up", "A device's bare word raises nothing.",
         "X in a g=1; Y in b g=65535", ["double_admission b"], {"1/0": 2}, unproved="b"),
    # -- logs --
    Case("gap", "What follows a missing record waits.",
         "X in a; X in b z=2", [], {}, missing="a", waiting="b"),
    Case("no-boot", "So does everything without its BOOT.",
         "X in a", [], {}, missing="bootX", waiting="a"),
    Case("second-incarnation", "Every boot starts a chain of its own.",
         "X in a; X boot; X in b z=2", [], {"1/0": 1, "2/0": 1}),
    Case("equivocation", "A clone of X writes another record at one place: both count.",
         "X in a; X2 in b z=2", ["equivocation X/1/2"], {"1/0": 1, "2/0": 1}),
    Case("equivocation-of-length-two", "One incident a place.",
         "X in a; X in c z=3; X2 in b z=2; X2 in d z=4",
         ["equivocation X/1/2", "equivocation X/1/3"], {"1/0": 1, "2/0": 1, "3/0": 1, "4/0": 1}),
    Case("truncated", "X boots from a record that it had gone on from.",
         "X in a; X in b z=2; X reboot-after a", ["log_truncated X/2/1"], {"1/0": 1, "2/0": 1}),
    Case("revoked-device", "Records after the cutoff are quarantined.",
         "X in a; X in b z=2; X boot; X in c z=3", [], {"1/0": 1}, cutoff="a",
         waiting="b bootX2 c"),
    Case("revoked-copy", "A quarantined copy is no incident.",
         "X in a; Y in b; Y in c", ["double_admission b"], {"1/0": 2}, cutoff="b", waiting="c"),
]  # fmt: skip


class Telling:
    """One story as records, by name."""

    def __init__(self, story: str) -> None:
        self.gates = {name: Scribe(name) for name in "XYZ"}
        self.gates["X2"] = Scribe("X")  # a clone: the same key, another disk
        self.records: dict[str, bytes] = {}
        gates = {act.split()[0] for act in story.split(";")}
        for name in sorted(gates):
            boot = self.gates[name].boot()
            if name in BOOT:
                self.records[BOOT[name]] = boot
        for step, act in enumerate(story.split(";")):
            self._tell(step, *act.split())

    def _tell(self, step: int, gate: str, verb: str, *words: str) -> None:
        scribe = self.gates[gate]
        scribe.clock = max(scribe.clock, Scribe("").clock + 60_000 * step)
        if verb in ("boot", "reboot-after"):
            forgetful = verb == "reboot-after"
            prev = self._next_prev(scribe, self.records[words[0]]) if forgetful else None
            boot = scribe.boot(prev)
            self.records[f"boot{gate}{scribe.incarnation}"] = boot
        else:
            self.records[words[0]] = self._write(scribe, verb, words[1:])

    def _next_prev(self, scribe: Scribe, raw: bytes) -> bytes:
        return scribe.log[scribe.log.index(raw) + 1][32:64]

    def _write(self, scribe: Scribe, verb: str, words: tuple[str, ...]) -> bytes:
        given = dict(word.split("=") for word in words if "=" in word)
        where: dict[str, Any] = {"zone": int(given.get("z", 1)), "day": int(given.get("d", 0))}
        terms = int(given.get("t", NO_CAP)) | (0 if given.get("t") == "127" else RE_ENTRY)
        rule: dict[str, Any] = {"allowance": int(given.get("n", 1)), "terms": terms}
        ref = next((self._ref(word, where) for word in words if "=" not in word), None)
        make: dict[str, Callable[[], bytes]] = {
            "in": lambda: scribe.enter(TICKET, ref, gen=int(given.get("g", 0)), **where, **rule),
            "over": lambda: scribe.enter(TICKET, kind=Kind.OVERRIDE, **where, **rule),
            "out": lambda: scribe.leave(TICKET, ref or ZERO16, **where, **rule),
            "undo": lambda: scribe.undo(TICKET, ref or ZERO16, **where),
        }
        return make[verb]()

    def _ref(self, word: str, where: dict[str, Any]) -> bytes:
        if word.startswith("r"):
            return root(TICKET, int(word[1:]), **where)
        kind, _, name = word.rpartition(":") if ":" in word else ("", "", word[1:])
        named = record_id(self.records[name])
        return after_right(named) if kind == "after" else named


def _incident(telling: Telling, line: str) -> dict[str, Any]:
    kind, _, name = line.partition(" ")
    if "/" in name:
        gate, incarnation, seq = name.split("/")
        return {
            "kind": kind,
            "device": telling.gates[gate].device.hex(),
            "incarnation": int(incarnation),
            "seq": int(seq),
        }
    return {"kind": kind, "record": record_id(telling.records[name]).hex()}


def vector(case: Case) -> dict[str, Any]:
    """Return one case as a third party reads it."""
    telling = Telling(case.story)
    for gate in telling.gates.values():
        for raw in gate.log:
            decode(raw)
    ids = {name: record_id(raw).hex() for name, raw in telling.records.items()}
    every = {raw: None for gate in telling.gates.values() for raw in gate.log}
    missing = {telling.records[name] for name in case.missing.split()}
    here = [raw for raw in every if raw not in missing]
    proved = [raw for raw in every if raw[1] != Kind.BOOT]
    for name in case.unproved.split():
        proved.remove(telling.records[name])
    roster: dict[str, Any] = {}
    if case.cutoff:
        last = decode(telling.records[case.cutoff])
        roster[last.device.hex()] = {"incarnation": last.incarnation, "seq": last.seq}
    return {
        "name": case.name,
        "comment": case.comment,
        "input": {
            "story": case.story,
            "records": [raw.hex() for raw in here],
            "proved": [record_id(raw).hex() for raw in proved],
            "manifest": {"gen": case.gen, "withdrawn": case.withdrawn},
            "cutoffs": roster,
        },
        "expect": {
            "incidents": [_incident(telling, line) for line in case.incidents],
            "inside": case.inside,
            "quarantined": sorted(ids[name] for name in case.waiting.split()),
        },
    }


def build() -> Json:
    """Return the suite."""
    return {
        "suite": "merge",
        "comment": "The merged view of the records of one ticket (spec/merge.md).",
        "event": EVENT.hex(),
        "ticket": hashed(TICKET).hex(),
        "devices": {name: Scribe(name).public.hex() for name in ("X", "Y", "Z")},
        "vectors": named([vector(case) for case in CASES]),
    }


if __name__ == "__main__":
    save(build())
