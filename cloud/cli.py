"""`usher-cloud`: everything an operator does with the service, one command each."""

import sys
from pathlib import Path
from typing import Final
from uuid import UUID

import click

from cloud.commands.ledger_group import ledger
from cloud.commands.saying import settings_of

FILE: Final = click.Path(path_type=Path, dir_okay=False)
# What could not be read as a message has a number below zero, which is no option.
NEGATIVE: Final = {"ignore_unknown_options": True}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--settings", "-c", "path", type=FILE, default=None, envvar="USHER_SETTINGS",
    help="The service's settings, TOML. Without any, everything is embedded.",
)  # fmt: skip
@click.pass_context
def main(ctx: click.Context, path: Path | None) -> None:
    """Sell, sign and serve tickets.

    \b
    A laptop, right now:        usher-cloud serve
    Servers of your own:        usher-cloud admin roles | psql …
                                usher-cloud -c cloud.toml migrate
                                usher-cloud -c cloud.toml serve
                                usher-cloud -c cloud.toml work
    """
    ctx.obj = path


@main.command()
@click.pass_obj
def serve(path: Path | None) -> None:
    """Serve the API.

    Without settings it starts its own PostgreSQL and Valkey in a data folder, migrates, makes
    keys, runs a worker and a fake payment provider beside itself, and prints its address.

    \b
    usher-cloud serve
    USHER_LISTEN=0.0.0.0:8000 USHER_WORKERS=4 usher-cloud -c cloud.toml serve
    """
    from cloud.commands.serve import serve as run

    run(settings_of(path), path)


@main.command()
@click.option("--parent", type=int, default=0, hidden=True, help="The process to end with.")
@click.pass_obj
def work(path: Path | None, parent: int) -> None:
    """Dispatch messages and sweep what is due. Any number may run; one of them leads.

    \b
    usher-cloud -c cloud.toml work
    """
    from cloud.commands.work import work as run

    run(settings_of(path), parent)


@main.command()
@click.pass_obj
def migrate(path: Path | None) -> None:
    """Bring the database to this version, as its owner. Running it twice changes nothing.

    \b
    USHER_OWNER_URL=postgresql://usher_owner:…@db/usher usher-cloud -c cloud.toml migrate
    """
    from cloud.commands.migrate import migrate as run

    run(settings_of(path))


@main.command()
@click.pass_obj
def settings(path: Path | None) -> None:
    """List every setting, what it is now and where it may be set; secrets are not shown.

    \b
    usher-cloud -c cloud.toml settings
    """
    from cloud.commands.listing import show

    show(settings_of(path))


main.add_command(ledger)


@main.group()
def admin() -> None:
    """What only the platform's operator does."""


@admin.command()
def roles() -> None:
    """Print the SQL that a superuser runs once in a cluster.

    \b
    usher-cloud admin roles | psql postgresql://postgres@db/postgres
    """
    from cloud.db.roles import ROLES

    click.echo(ROLES)


@admin.command()
@click.argument("email")
@click.option("--revoke", is_flag=True, help="Take it back.")
@click.pass_obj
def grant(path: Path | None, email: str, *, revoke: bool) -> None:
    """Make the account of EMAIL an administrator of the platform.

    \b
    usher-cloud admin grant ada@example.org
    """
    from cloud.commands.admin import grant as run

    run(settings_of(path), email, admin=not revoke)


@admin.command()
@click.argument("tenant", type=click.UUID)
@click.argument("event", type=click.UUID)
@click.option("--class", "class_index", type=int, default=0, show_default=True, help="Which class.")
@click.option("--count", type=click.IntRange(1, 1_000_000), required=True, help="How many.")
@click.pass_obj
def issue(path: Path | None, tenant: UUID, event: UUID, class_index: int, count: int) -> None:
    """Issue COUNT signed tickets of a class, given rather than sold, on top of its capacity.

    \b
    usher-cloud admin issue TENANT EVENT --class 0 --count 100000
    """
    from cloud.commands.issuing import issue as run

    run(settings_of(path), tenant, event, class_index, count)


@admin.command()
@click.argument("email")
@click.pass_obj
def mail(path: Path | None, email: str) -> None:
    """List what was mailed to EMAIL, what became of it, and the secrets in it.

    \b
    usher-cloud admin mail ada@example.org
    """
    from cloud.commands.mail import show

    show(settings_of(path), email)


@admin.command("sample-mail")
@click.argument("kind")
@click.option("--language", default="en", show_default=True, help="Of its words: en or de.")
@click.pass_obj
def sample_mail(path: Path | None, kind: str, language: str) -> None:
    """Write a made-up mail of a KIND (order, refund, offer, …) to standard output.

    \b
    usher-cloud admin sample-mail order --language de > order.eml
    """
    from cloud.commands.mail import sample

    sample(settings_of(path), kind, language)


@admin.command("bounced-mail")
@click.option("--to", default="", help="The address that it came to, where its headers don't say.")
@click.pass_obj
def bounced_mail(path: Path | None, to: str) -> None:
    """Note what a mail server says that sends a mail back: its message is the standard input.

    \b
    usher-cloud -c cloud.toml admin bounced-mail --to "$ORIGINAL_RECIPIENT" < report.eml
    """
    from cloud.commands.bounced import bounced, later

    with later():
        bounced(settings_of(path), to, sys.stdin.buffer)


@admin.command("new-key")
@click.argument("file", type=FILE)
def new_key(file: Path) -> None:
    """Make a master key in FILE, which must not exist.

    To rotate: name it first and the old one after it (master_key_file = "new.key,old.key"),
    restart, `admin reseal`; a month later the old one may go.

    \b
    usher-cloud admin new-key /etc/usher/master-2027.key
    """
    from cloud.commands.admin import new_key as run

    run(file)


@admin.command()
@click.pass_obj
def reseal(path: Path | None) -> None:
    """Seal every private key and webhook's secret anew that an older master key has sealed.

    Links in mails that were sent before, and messages that wait, open with the older key alone:
    keep it in the second place for as long as such links are to work.

    \b
    usher-cloud -c cloud.toml admin reseal
    """
    from cloud.commands.admin import reseal as run

    run(settings_of(path))


@admin.group(invoke_without_command=True)
@click.option("--dead", is_flag=True, help="Only messages that were given up.")
@click.pass_context
def outbox(ctx: click.Context, *, dead: bool) -> None:
    """List the messages that wait, and those that were given up, with their fault.

    \b
    usher-cloud admin outbox --dead
    usher-cloud admin outbox show 4711/orders
    usher-cloud admin outbox replay 4711/orders
    usher-cloud admin outbox drop 4711/orders
    """
    if ctx.invoked_subcommand is None:
        from cloud.commands.messages import show

        show(settings_of(ctx.obj), given_up=dead)


@outbox.command(context_settings=NEGATIVE)
@click.argument("message")
@click.pass_obj
def show(path: Path | None, message: str) -> None:
    """Print a MESSAGE that was given up, with what it says. Secrets in it are not shown.

    \b
    usher-cloud admin outbox show 4711/orders
    """
    from cloud.commands.messages import look

    look(settings_of(path), message)


@outbox.command(context_settings=NEGATIVE)
@click.argument("message")
@click.pass_obj
def replay(path: Path | None, message: str) -> None:
    """Hand a MESSAGE out again, at once, as if it had never failed.

    \b
    usher-cloud admin outbox replay 4711/orders
    """
    from cloud.commands.messages import settle

    settle(settings_of(path), message, "replay")


@outbox.command(context_settings=NEGATIVE)
@click.argument("message")
@click.pass_obj
def drop(path: Path | None, message: str) -> None:
    """Give a MESSAGE up for good. What it would have done is not done.

    \b
    usher-cloud admin outbox drop 4711/orders
    """
    from cloud.commands.messages import settle

    settle(settings_of(path), message, "drop")
