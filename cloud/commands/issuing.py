"""`usher-cloud admin issue`: tickets given rather than sold, on top of what is for sale."""

import time
from uuid import UUID

from rich.progress import Progress

from cloud.commands.admin import operate
from cloud.commands.saying import CONSOLE, OUT
from cloud.parts import Parts
from cloud.settings import Settings
from cloud.tickets import issuing


def issue(settings: Settings, tenant: UUID, event: UUID, class_index: int, count: int) -> None:
    """Issue tickets, with a bar that says how far it is."""

    async def act(parts: Parts) -> None:
        began = time.perf_counter()
        with Progress(console=CONSOLE) as bar:
            task = bar.add_task("Issuing tickets", total=count)
            await issuing.issue(
                parts.pool, parts.issuers, tenant, event, class_index, count,
                lambda done: bar.update(task, completed=done),
            )  # fmt: skip
        seconds = time.perf_counter() - began
        OUT.print(f"Issued {count} tickets in {seconds:.1f} s: {count / seconds:.0f} a second.")

    operate(settings, act)
