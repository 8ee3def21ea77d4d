"""Tell the story, and compare what happened with what was expected; exit 1 on any difference."""

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

import qrcode
from rich.console import Console
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text

from demo.venue import ENTRY, EXIT, Clock, Venue
from edge.gate.verdict import Verdict
from edge.practice.world import World
from shared.outcomes import BY_CODE, Outcome, Signal

START: Final = 1_800_000_000_000
MINUTE: Final = 60_000
LOOK: Final = {
    Signal.ADMIT: ("✔", "bold white on green"),
    Signal.ACT: ("▲", "bold black on yellow"),
    Signal.REFUSE: ("✖", "bold white on red"),
    Signal.TROUBLE: ("▨", "bold black on white"),
}


class Story:
    """Scans a minute apart, each with what is expected of it."""

    def __init__(self, console: Console, folder: Path) -> None:
        self.console = console
        self.clock = Clock(START)
        self.linked = True
        self.wrong: list[str] = []
        self.world = World.make(START // 1000, tickets=1)
        self.venue = Venue(folder, self.world, self.clock)

    @property
    def seconds(self) -> int:
        """The time in unix seconds."""
        return self.clock.ms // 1000

    def scan(
        self, gate: str, what: str, text: str, expected: Outcome, people: int = 1, lane: str = ENTRY
    ) -> None:
        """Let `gate` scan `text`, and show what staff would see."""
        self.clock.ms += MINUTE
        verdict = self.venue.gates[gate].station.scan(text, lane, "hand", people)
        outcome = BY_CODE[verdict.code]
        shape, style = LOOK[outcome.signal]
        row = Grid.grid(padding=(0, 1))
        for width in (6, 36, 24, None):
            row.add_column(width=width)
        shown = Text(f" {shape} {outcome.code} ", style=style)
        row.add_row(gate, what, shown, f"{outcome.sentence} {self.detail(verdict)}")
        self.console.print(row)
        self.check(f"{gate}: {what}", expected.code, outcome.code)
        if self.linked:
            self.exchange()

    def detail(self, verdict: Verdict) -> str:
        """Return what staff see beside the word."""
        if verdict.signal is Signal.REFUSE and verdict.left:
            return f"{verdict.left} more may enter."
        if verdict.prior is not None:
            minutes = (self.clock.ms - verdict.prior.at) // MINUTE
            return f"{minutes} min ago at gate {verdict.prior.gate}"
        return f"{verdict.people} people" if verdict.people > 1 else ""

    def exchange(self) -> list[str]:
        """Carry each gate's log to the other; return what was new."""
        return [*self.venue.carry("North", "South"), *self.venue.carry("South", "North")]

    def check(self, what: str, expected: object, happened: object) -> None:
        """Note a difference."""
        if expected != happened:
            self.wrong.append(f"{what}: expected {expected}, got {happened}")


def issue(story: Story) -> None:
    """Show a ticket that was sold."""
    story.console.rule("[bold]Issue: a ticket is signed bytes in a QR code")
    show_code(story.console, story.world.code("standing"))


def show_code(console: Console, text: str) -> None:
    """Print a ticket as a QR code, two modules a character."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=2)
    code.add_data(text, optimize=0)
    rows = [*code.get_matrix(), [False] * len(code.get_matrix())]
    for upper, lower in zip(rows[::2], rows[1::2], strict=False):
        blocks = (" ▄▀█"[2 * (not u) + (not d)] for u, d in zip(upper, lower, strict=True))
        console.print("  " + "".join(blocks), highlight=False, style="white on black")
    console.print(f"  {text[:60]}…  [dim]{len(text)} characters")


def preload(story: Story) -> None:
    """Give all gates what they need to decide alone."""
    story.console.rule("[bold]Preload: keys, roster and manifest, every signature and hash checked")
    for gate in ("North", "South", "Office"):
        story.console.print(f"{gate:6} takes in {'; '.join(story.venue.preload(gate))}")


def entry(story: Story) -> None:
    """Let people in while the gates hear each other."""
    story.console.rule("[bold]Entry: each gate decides every scan by itself, and writes it down")
    world, scan = story.world, story.scan
    anna, bruno, family = world.code("standing"), world.code("standing 2"), world.code("family")
    forged = bruno[:-2] + ("0" if bruno[-2] != "0" else "1") + "."
    scan("North", "Anna's ticket", anna, Outcome.ADMITTED)
    scan("South", "a copy of Anna's ticket", anna, Outcome.ALREADY_ADMITTED)
    scan("North", "a code with one character changed", forged, Outcome.BAD_SIGNATURE)
    scan("North", "a web address", "https://tickets.example/free", Outcome.NOT_A_TICKET)
    scan("South", "another night's ticket", world.of_another_night(), Outcome.WRONG_EVENT)
    scan("South", "a cancelled ticket", world.code("revoked"), Outcome.REVOKED)
    resold = world.code("resold", gen=0)
    scan("South", "the seller's code of a resold one", resold, Outcome.SUPERSEDED)
    scan("South", "a screenshot of a live ticket", world.code("live"), Outcome.LIVE_CODE_REQUIRED)
    scan(
        "South",
        "its live code, five minutes old",
        world.live(story.seconds - 240),
        Outcome.STALE_CODE,
    )
    scan("South", "its live code, of this moment", world.live(story.seconds + 60), Outcome.ADMITTED)
    scan("North", "three of a family of four", family, Outcome.ADMITTED, 3)
    scan("South", "two more of the family", family, Outcome.NO_ENTRIES_LEFT, 2)
    scan("South", "the fourth", family, Outcome.ADMITTED)
    scan("North", "Anna goes out", anna, Outcome.EXIT, lane=EXIT)
    scan("South", "Anna comes back", anna, Outcome.READMITTED)


def cut(story: Story) -> None:
    """Cut the link: entry goes on, and some of it can't be prevented."""
    story.console.rule("[bold]Nothing is carried between the gates any more; entry goes on")
    story.linked = False
    scan, world = story.scan, story.world
    bruno, carla, dora = world.code("standing 2"), world.code("standing 3"), world.bulk(0)
    scan("North", "Bruno's ticket", bruno, Outcome.ADMITTED)
    scan("South", "a copy of Bruno's ticket", bruno, Outcome.ADMITTED)
    scan("North", "Carla's ticket", carla, Outcome.ADMITTED)
    scan("South", "Carla leaves, unknown here", carla, Outcome.EXIT, lane=EXIT)
    scan("South", "Carla comes back", carla, Outcome.ADMITTED)
    scan("North", "Dora's ticket", dora, Outcome.ADMITTED)
    scan("North", "Dora leaves", dora, Outcome.EXIT, lane=EXIT)
    scan("South", "Dora comes back, unknown here", dora, Outcome.ADMITTED)


def heal(story: Story) -> None:
    """Bring the logs together, and show what they mean to everybody."""
    story.console.rule("[bold]The logs are carried, checked and merged")
    for told in story.exchange():
        story.console.print(f"hears {told}")
    for source in ("South", "North", "South"):  # late, twice, and in another order
        story.venue.carry(source, "Office")
    grid = Grid("who", "people inside", "to settle", "digest of the whole view")
    summaries = {name: gate.ledger.summary() for name, gate in story.venue.gates.items()}
    for who, summary in summaries.items():
        kinds = Counter(str(finding.kind) for finding in summary.findings)
        to_settle = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
        grid.add_row(who, str(story.venue.inside(who)), to_settle, summary.digest().hex()[:16])
    story.console.print(grid)
    story.check("views that differ", 1, len({s.digest() for s in summaries.values()}))
    # Bruno's copy is an incident. Dora may have left unseen: a note, no accusation. Carla's exit
    # was unknown at South, and is explained.
    found = sorted(str(finding.kind) for finding in summaries["Office"].findings)
    story.check("incidents", ["double_admission", "unseen_exit"], found)
    story.check("people inside", 10, story.venue.inside("Office"))


def main() -> int:
    """Run the demo; return the exit status."""
    with tempfile.TemporaryDirectory(prefix="usher-demo-") as folder:
        story = Story(Console(width=max(100, Console().width)), Path(folder))
        try:
            for part in (issue, preload, entry, cut, heal):
                part(story)
        finally:
            story.venue.close()
    if story.wrong:
        story.console.print(Panel("\n".join(story.wrong), title="Not as expected", style="red"))
        return 1
    story.console.print("[bold green]Everything happened as expected.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
