"""Tell the story, and compare what happened with what was expected; exit 1 on any difference."""

import random
import sys
from collections import Counter
from typing import Final

import qrcode
from rich.console import Console
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text

from demo.gate import Gate
from demo.organizer import EVENT, FAMILY, LIVE, NORTH, SOUTH, STANDING, Organizer
from shared import keys
from shared.decide import NOTHING_ASKED
from shared.instant import Instant
from shared.manifest.ticket import Status
from shared.outcomes import Outcome, Signal
from shared.presentation import present
from shared.rules.decision import Ask
from shared.token import encode_text

START: Final = Instant(1_800_000_000_000)
MINUTE: Final = 60_000
LOOK: Final = {
    Signal.ADMIT: ("✔", "bold white on green"),
    Signal.ACT: ("▲", "bold black on yellow"),
    Signal.REFUSE: ("✖", "bold white on red"),
    Signal.TROUBLE: ("▨", "bold black on white"),
}


class Story:
    """Scans a minute apart, each with what is expected of it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.now = START
        self.linked = True
        self.wrong: list[str] = []
        rng = random.Random(2026)  # a demo tells the same story each time; a service draws secrets
        self.organizer = Organizer(rng, START)
        self.phone = keys.secret_key(rng.randbytes(32))
        self.north = Gate("North", NORTH, rng.randbytes(32), self.organizer.root)
        self.south = Gate("South", SOUTH, rng.randbytes(32), self.organizer.root)
        self.code: dict[str, str] = {}
        self.live = b""

    def scan(
        self,
        gate: Gate,
        what: str,
        text: str,
        expected: Outcome,
        ask: Ask = NOTHING_ASKED,
        *,
        exiting: bool = False,
    ) -> None:
        """Let `gate` scan `text`, and show what staff would see."""
        self.now = Instant(self.now.ms + MINUTE)
        outcome, detail = gate.scan(text, self.now, ask, exiting=exiting)
        shape, style = LOOK[outcome.signal]
        row = Grid.grid(padding=(0, 1))
        for width in (6, 36, 24, None):
            row.add_column(width=width)
        verdict = Text(f" {shape} {outcome.code} ", style=style)
        row.add_row(gate.name, what, verdict, f"{outcome.sentence} {detail}")
        self.console.print(row)
        self.check(f"{gate.name}: {what}", expected.code, outcome.code)
        if self.linked:
            self.exchange()

    def exchange(self) -> tuple[str, str]:
        """Let each gate hear the other's log; return what each checked."""
        return self.south.hear(self.north.log()), self.north.hear(self.south.log())

    def check(self, what: str, expected: object, happened: object) -> None:
        """Note a difference."""
        if expected != happened:
            self.wrong.append(f"{what}: expected {expected}, got {happened}")


def issue(story: Story) -> None:
    """Sell some tickets, and show one."""
    story.console.rule("[bold]Issue: a ticket is signed bytes in a QR code")
    sell = story.organizer.sell
    story.live = sell(LIVE, keys.public_key(story.phone))
    tickets = {name: sell(STANDING) for name in ("anna", "bruno", "carla", "dora")}
    tickets["family"] = sell(FAMILY)
    tickets["cancelled"] = sell(STANDING, status=Status.REVOKED)
    tickets["resold"] = sell(STANDING, gen=1)
    tickets["other night"] = story.organizer.sell_for_another_night()
    tickets["screenshot"] = story.live
    story.code = {name: encode_text(raw) for name, raw in tickets.items()}
    show_code(story.console, story.code["anna"])


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
    """Give both gates what they need to decide alone."""
    story.console.rule("[bold]Preload: keys, roster and manifest, every signature and hash checked")
    gates = (story.north, story.south)
    keyset, roster = story.organizer.keyset(), story.organizer.roster({g.name: g.pk for g in gates})
    head, table = story.organizer.manifest()
    for gate in gates:
        count = gate.preload(keyset, roster, head, table, story.now)
        story.console.print(f"{gate.name:6} holds {count} tickets by hash; no names, no codes")


def entry(story: Story) -> None:
    """Let people in while the gates hear each other."""
    story.console.rule("[bold]Entry: each gate decides every scan by itself")
    north, south, code = story.north, story.south, story.code
    last = code["bruno"][-2]
    forged = code["bruno"][:-2] + ("0" if last != "0" else "1") + "."
    story.scan(north, "Anna's ticket", code["anna"], Outcome.ADMITTED)
    story.scan(south, "a copy of Anna's ticket", code["anna"], Outcome.ALREADY_ADMITTED)
    story.scan(north, "a code with one character changed", forged, Outcome.BAD_SIGNATURE)
    story.scan(north, "a web address", "https://tickets.example/free", Outcome.NOT_A_TICKET)
    story.scan(south, "another night's ticket", code["other night"], Outcome.WRONG_EVENT)
    story.scan(south, "a cancelled ticket", code["cancelled"], Outcome.REVOKED)
    story.scan(south, "the seller's code of a resold one", code["resold"], Outcome.SUPERSEDED)
    story.scan(
        south, "a screenshot of a live ticket", code["screenshot"], Outcome.LIVE_CODE_REQUIRED
    )
    old = present(story.live, story.phone, story.now.seconds - 240)
    story.scan(south, "its live code, five minutes old", encode_text(old), Outcome.STALE_CODE)
    fresh = present(story.live, story.phone, story.now.seconds + 60)
    story.scan(south, "its live code, of this moment", encode_text(fresh), Outcome.ADMITTED)
    family = code["family"]
    story.scan(north, "three of a family of four", family, Outcome.ADMITTED, Ask(people=3))
    story.scan(south, "two more of the family", family, Outcome.NO_ENTRIES_LEFT, Ask(people=2))
    story.scan(south, "the fourth", family, Outcome.ADMITTED)
    story.scan(north, "Anna goes out", code["anna"], Outcome.EXIT, exiting=True)
    story.scan(south, "Anna comes back", code["anna"], Outcome.READMITTED)


def cut(story: Story) -> None:
    """Cut the link: entry goes on, and some of it can't be prevented."""
    story.console.rule("[bold]The link between the gates is cut; entry goes on")
    story.linked = False
    north, south, code = story.north, story.south, story.code
    story.scan(north, "Bruno's ticket", code["bruno"], Outcome.ADMITTED)
    story.scan(south, "a copy of Bruno's ticket", code["bruno"], Outcome.ADMITTED)
    story.scan(north, "Carla's ticket", code["carla"], Outcome.ADMITTED)
    story.scan(south, "Carla leaves, unknown here", code["carla"], Outcome.EXIT, exiting=True)
    story.scan(south, "Carla comes back", code["carla"], Outcome.ADMITTED)
    story.scan(north, "Dora's ticket", code["dora"], Outcome.ADMITTED)
    story.scan(north, "Dora leaves", code["dora"], Outcome.EXIT, exiting=True)
    story.scan(south, "Dora comes back, unknown here", code["dora"], Outcome.ADMITTED)


def heal(story: Story) -> None:
    """Bring the logs together, and show what they mean to everybody."""
    story.console.rule("[bold]The link is back: logs are exchanged, checked and merged")
    for name, checked in zip(("South", "North"), story.exchange(), strict=True):
        story.console.print(f"{name:6} hears the other gate: {checked}")
    logs = [story.south.log(), story.north.log()]
    views = {
        "North": story.north.view,
        "South": story.south.view,
        "the cloud": story.north.merged([*logs, *logs[::-1]]),  # late, twice, the other way round
    }
    grid = Grid("who", "people inside", "to settle", "digest of the whole view")
    for who, view in views.items():
        kinds = Counter(str(finding.kind) for finding in view.findings())
        to_settle = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
        digest = view.summary().digest().hex()[:16]
        grid.add_row(who, str(view.present(EVENT, 1)), to_settle, digest)
    story.console.print(grid)
    story.check("views that differ", 1, len({v.summary().digest() for v in views.values()}))
    view = views["the cloud"]
    # Bruno's copy is an incident. Dora may have left unseen: a note, no accusation. Carla's exit
    # was unknown at South, and is explained.
    found = sorted(str(finding.kind) for finding in view.findings())
    story.check("incidents", ["double_admission", "unseen_exit"], found)
    story.check("people inside", 10, view.present(EVENT, 1))


def main() -> int:
    """Run the demo; return the exit status."""
    story = Story(Console(width=max(100, Console().width)))
    for part in (issue, preload, entry, cut, heal):
        part(story)
    if story.wrong:
        story.console.print(Panel("\n".join(story.wrong), title="Not as expected", style="red"))
        return 1
    story.console.print("[bold green]Everything happened as expected.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
