"""`usher-cloud ledger …`: its commands and their help. What they do is in ledger.py."""

from pathlib import Path
from uuid import UUID

import click

from cloud.commands.saying import settings_of


@click.group()
def ledger() -> None:
    """What becomes of tickets on the ledger. No sale and no gate waits for it.

    \b
    usher-cloud ledger status
    usher-cloud ledger verify TICKET
    """


@ledger.command()
@click.pass_obj
def status(path: Path | None) -> None:
    """List the events with what is minted, waits, has failed, or needs a person.

    \b
    usher-cloud ledger status
    """
    from cloud.commands.ledger import status as run

    run(settings_of(path))


@ledger.command()
@click.argument("event", type=click.UUID, required=False)
@click.pass_obj
def retry(path: Path | None, event: UUID | None) -> None:
    """Try again what was given up of an EVENT, or of all; look again for what was lost.

    \b
    usher-cloud ledger retry
    """
    from cloud.commands.ledger import retry as run

    run(settings_of(path), event)


@ledger.command()
@click.argument("event", type=click.UUID, required=False)
@click.pass_obj
def pause(path: Path | None, event: UUID | None) -> None:
    """Sign and send nothing more for an EVENT, or at all. What was sent may still land.

    \b
    usher-cloud ledger pause EVENT
    """
    from cloud.commands.ledger import pause as run

    run(settings_of(path), event, paused=True)


@ledger.command()
@click.argument("event", type=click.UUID, required=False)
@click.pass_obj
def resume(path: Path | None, event: UUID | None) -> None:
    """Go on with an EVENT, or with everything.

    \b
    usher-cloud ledger resume EVENT
    """
    from cloud.commands.ledger import pause as run

    run(settings_of(path), event, paused=False)


@ledger.command()
@click.argument("event", type=click.UUID)
@click.pass_obj
def approve(path: Path | None, event: UUID) -> None:
    """Let the trees that are planned for an EVENT be paid for; `cost` says how much.

    \b
    usher-cloud ledger approve EVENT
    """
    from cloud.commands.ledger import approve as run

    run(settings_of(path), event)


@ledger.command()
@click.argument("event", type=click.UUID, required=False)
@click.pass_obj
def cost(path: Path | None, event: UUID | None) -> None:
    """Say what it costs to mint all tickets of an EVENT, or of events of usual sizes.

    \b
    usher-cloud ledger cost EVENT
    """
    from cloud.commands.ledger import show_cost as run

    run(settings_of(path), event)


@ledger.command()
@click.argument("event", type=click.UUID, required=False)
@click.pass_obj
def spent(path: Path | None, event: UUID | None) -> None:
    """Say what an EVENT has spent, by kind of transaction, beside what was told before; or all.

    \b
    usher-cloud ledger spent EVENT
    """
    from cloud.commands.ledger_spent import show as run

    run(settings_of(path), event)


@ledger.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def rehearse(folder: Path) -> None:
    """Hold the embedded ledger to Solana's own programs, which are in FOLDER, in memory.

    Each is ADDRESS.so, as `solana program dump ADDRESS FOLDER/ADDRESS.so` writes it; what is
    missing is named. It exits with 1 and a report in FOLDER/reports at the first difference.

    \b
    usher-cloud ledger rehearse FOLDER
    """
    from cloud.commands.ledger_rehearse import run

    run(folder)


@ledger.command()
@click.argument("ticket")
@click.pass_obj
def verify(path: Path | None, ticket: str) -> None:
    """Prove the asset of a TICKET (its id, or its page's name) against the tree's account.

    It exits with 1 if it is not as our records say.

    \b
    usher-cloud ledger verify TICKET
    """
    from cloud.commands.ledger import show_proof as run

    run(settings_of(path), ticket)
