"""`usher-cloud work`: a worker."""

from contextlib import nullcontext

import uvloop

from cloud.commands.ready import check, fit
from cloud.commands.saying import plainly
from cloud.embedded.parent import end_with
from cloud.home import at_home
from cloud.settings import Settings
from cloud.telemetry import configure_logs
from cloud.watch.exporter import exported
from cloud.worker import work as run


def work(settings: Settings, parent: int) -> None:
    """Work until told to stop. `parent`: the process that this one ends with, 0 for none."""
    if parent:
        end_with(parent, settings.grace_seconds)
    configure_logs()
    with plainly():
        if not parent:  # who started us has looked
            fit(settings)
        with at_home(settings) as resolved:
            if not parent:
                check(resolved)
            # The one beside an embedded service is counted by who started it.
            with nullcontext() if parent else exported(resolved, figures=True):
                uvloop.run(run(resolved))
