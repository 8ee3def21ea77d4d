"""A service that is watched whole: its traces all kept, its figures asked, its log in a file."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cloud.embedded.ports import free_port
from tests.cloud.broker.papers import Authority
from tests.cloud.broker.post import USERS
from tests.cloud.broker.rabbit import Rabbit
from tests.cloud.hooks.receiver import Receiver, receiving
from tests.cloud.notify.conftest import mail_settings
from tests.cloud.notify.mailserver import MailServer, serving_mail
from tests.cloud.run.served import Served, served
from tests.cloud.watch.collector import Collector, collecting


class House:
    """A service whose traces are all kept, and what it tells of them to."""

    def __init__(
        self,
        service: Served,
        collector: Collector,
        receiver: Receiver,
        mails: MailServer,
        metrics: str,
    ) -> None:
        self.service = service
        self.collector = collector
        self.receiver = receiver
        self.mails = mails
        self.metrics = metrics  # the address of its figures


def broker(stack: ExitStack, folder: Path) -> dict[str, str]:
    """Run a broker; return the settings that name it."""
    folder.mkdir()
    rabbit = stack.enter_context(Rabbit(folder, USERS).running())
    papers = {f"USHER_{name.upper()}": value for name, value in rabbit.papers.items()}
    return {"USHER_BROKER_URL": rabbit.url("root"), **papers}


@contextmanager
def watched(folder: Path, *, by_broker: bool) -> Iterator[House]:
    """Serve on a folder, with all around it that a purchase is told to."""
    with ExitStack() as stack:
        collector = stack.enter_context(collecting())
        receiver = stack.enter_context(receiving())
        authority = Authority(folder / "papers")
        mails = stack.enter_context(serving_mail(authority))
        more = broker(stack, folder / "broker") if by_broker else {}
        # Its links and tokens name the address that it is reached at, where mail is sent.
        listen, metrics = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        post = mail_settings(mails, authority) | {"public_url": f"http://{listen}"}
        more |= {f"USHER_{name.upper()}": value for name, value in post.items()}
        service = stack.enter_context(
            served(
                folder, USHER_TRACE_URL=collector.url, USHER_TRACE_SHARE="1", USHER_WORKERS="2",
                USHER_HOOKS_LOOPBACK="true", OTEL_BSP_SCHEDULE_DELAY="100", USHER_LISTEN=listen,
                USHER_METRICS_LISTEN=metrics, **more,
            )
        )  # fmt: skip
        yield House(service, collector, receiver, mails, f"http://{metrics}/metrics")
