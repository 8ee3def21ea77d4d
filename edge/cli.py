"""`usher-edge`: everything a technician does at a gate, one command each."""

import importlib
import secrets
from pathlib import Path
from typing import Final

import click

from edge.commands.saying import console, fail, settings_of

SETTINGS: Final = "/etc/usher/gate.toml"
# Imported when they are called: a camera process has no use for a web server.
LATER: Final = {
    "bench": ("edge.commands.bench:bench", "Measure scans on this machine."),
    "camera": ("edge.scan.command:camera", "Read the codes that one camera sees."),
    "enrol": ("edge.commands.enrol:enrol", "Become one of an organizer's devices."),
    "doctor": ("edge.health.doctor:doctor", "Say whether this gate is fit to open."),
    "roll": ("edge.commands.roll:roll", "Give this device a new key."),
    "practice": ("edge.commands.practice:practice", "Try a gate on any laptop."),
    "run": ("edge.commands.run:run", "Run the gate."),
    "signals": ("edge.signals.command:signals", "Run lamp, turnstile and speaker."),
}


class Group(click.Group):
    """Commands of this file, and those that are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        return sorted({*super().list_commands(ctx), *LATER})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name not in LATER:
            return super().get_command(ctx, cmd_name)
        module, _, name = LATER[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List all commands without importing any."""
        room = formatter.width - 20
        own = {name: command.get_short_help_str(room) for name, command in self.commands.items()}
        rows = sorted({**own, **{name: text for name, (_, text) in LATER.items()}}.items())
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--settings",
    "-c",
    "path",
    type=click.Path(path_type=Path),
    default=SETTINGS,
    envvar="USHER_SETTINGS",
    show_default=True,
    help="The appliance's settings, TOML.",
)
@click.pass_context
def main(ctx: click.Context, path: Path) -> None:
    """The gate that never stops admitting.

    \b
    A laptop, right now:        usher-edge practice
    A new appliance:            usher-edge enrol 'https://…/enrol#1.…'
                                usher-edge run
    Without any network:        usher-edge init --tenant HEX --root HEX
                                usher-edge load /media/usb/preload.ush
    After the evening:          usher-edge export /media/usb/north.ush
    """
    ctx.obj = path


@main.command()
@click.option("--tenant", required=True, help="The organizer's id, 32 hex digits.")
@click.option("--root", required=True, help="The organizer's root key, 64 hex digits.")
@click.pass_obj
def init(path: Path, tenant: str, root: str) -> None:
    """Give this device its key and its organizer, once.

    Prints the device's public key, which the organizer puts on the roster.

    \b
    Example:  usher-edge init --tenant 000102…0f --root d04ab2…8737
    """
    from edge.gate.setup import set_up
    from shared.errors import UsherError

    settings = settings_of(path)
    try:
        values = bytes.fromhex(tenant), bytes.fromhex(root)
        if [len(value) for value in values] != [16, 32]:
            raise ValueError
    except ValueError:
        fail("A tenant has 32 hex digits and a root key 64. Copy them from the organizer's page.")
    try:
        me = set_up(settings.data_folder, *values)
    except UsherError as error:
        fail(f"{error.sentence} ({error.code})")
    except OSError as error:
        fail(f"{settings.data}: {error.strerror}. Create the folder, or run this as its owner.")
    console.print("This device's public key; the organizer puts it on the roster:")
    print(me.pk.hex())  # noqa: T201  alone on its line, for a script


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def load(path: Path, file: Path) -> None:
    """Take in a preload, or another gate's log, from FILE.

    All of it or nothing: what was in force stays in force until the file is proved.
    The agent goes on scanning meanwhile, and takes the new list up at once.

    \b
    Examples:  usher-edge load /media/usb/preload.ush
               usher-edge load /media/usb/south-gate.ush
    """
    from edge.commands.files import load_file

    load_file(settings_of(path), file, console, fail)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def export(path: Path, file: Path) -> None:
    """Write this gate's log to FILE, for the organizer or for another gate.

    \b
    Example:  usher-edge export /media/usb/north-gate.ush
    """
    from edge.commands.files import export_file

    export_file(settings_of(path), file, console, fail)


@main.command()
@click.pass_obj
def view(path: Path) -> None:
    """Print what all logs that are here mean together, as JSON.

    Entries by gate, people inside, what a person has to settle: the same as at every gate and in
    the cloud, where the same records are.

    \b
    Example:  usher-edge view | jq '.events[].findings'
    """
    import json

    from edge.commands.view import view as look

    print(json.dumps(look(settings_of(path), fail), indent=2))  # noqa: T201  for a program


@main.command()
@click.argument("lane")
@click.pass_obj
def key(path: Path, lane: str) -> None:
    """Make a new key for LANE: a kiosk's address, or a third party's bearer key.

    It is shown once; only its hash is kept. Older keys of the lane stop working.

    \b
    Examples:  usher-edge key kiosk
               usher-edge key turnstile-3
    """
    from edge.commands.access import make_key

    settings = settings_of(path)
    kinds = {each.id: each.kind for each in settings.lanes}
    if lane not in kinds:
        fail(f"The settings have no lane {lane}. There are: {', '.join(kinds)}.")
    made = make_key(settings, lane, secrets.token_urlsafe(32), fail)
    if kinds[lane] == "kiosk":
        host = settings.web.names[0] if settings.web.names else "localhost"
        console.print("Open this address once in the kiosk's browser:")
        print(f"https://{host}:{settings.web.port}/kiosk?key={made}")  # noqa: T201
    else:
        console.print("Send it as `Authorization: Bearer KEY` to POST /v1/scan:")
        print(made)  # noqa: T201


@main.command()
@click.argument("lane")
@click.argument("gate")
@click.option("--exit", "exiting", is_flag=True, help="It lets people out.")
@click.pass_obj
def post(path: Path, lane: str, gate: str, exiting: bool) -> None:
    """Post LANE at the gate called GATE, as staff do on a screen.

    \b
    Examples:  usher-edge post turnstile-3 North
               usher-edge post turnstile-4 North --exit
    """
    from edge.commands.files import told
    from edge.commands.posting import post_lane

    settings = settings_of(path)
    known = [each.id for each in settings.lanes]
    if lane not in known:
        fail(f"The settings have no lane {lane}. There are: {', '.join(known)}.")
    place = post_lane(settings, lane, gate, exiting=exiting, fail=fail)
    console.print(f"{lane} stands at {place}. {told(settings)}", highlight=False)


@main.group()
def pin() -> None:
    """Who may open scanning by a PIN."""


@pin.command(name="add")
@click.argument("name")
@click.option("--pin", "digits", prompt="PIN, 4 to 12 digits", hide_input=True)
@click.pass_obj
def add_pin(path: Path, name: str, digits: str) -> None:
    """Give NAME a PIN that opens scanning, and nothing a supervisor may do.

    \b
    Example:  usher-edge pin add "Pat at North"
    """
    from edge.commands.access import put_pin

    put_pin(settings_of(path), name, digits, fail)
    console.print(f"{name} may open scanning.")


@pin.command(name="remove")
@click.argument("name")
@click.pass_obj
def remove_pin(path: Path, name: str) -> None:
    """Take NAME's PIN away."""
    from edge.commands.access import drop_pin

    drop_pin(settings_of(path), name, fail)
    console.print(f"{name} may not open scanning any more.")


@pin.command(name="list")
@click.pass_obj
def list_pins(path: Path) -> None:
    """List who has a PIN."""
    from edge.commands.access import names_of_pins

    for name in names_of_pins(settings_of(path), fail):
        console.print(name, highlight=False)
