"""How long an order takes before, while and after each dependency is away.

The tests' own scenes (tests/cloud/degradations), with `DEPTH` times as many orders: one buyer of
free tickets after the other, the service and this client in one process. A scene ends itself
where an order that was answered is lost, a mail or a call is missing or comes twice, or where
somebody is refused who should not be.

    python -m benchmarks cloud.losses
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from benchmarks.cloud.place import Place, tell
from benchmarks.report import Row, percentile
from tests.cloud.database import copy_template
from tests.cloud.degradations import house, mint, pair, post
from tests.cloud.degradations.load import ORDERED, Answered, Load, Phase, load
from tests.cloud.service import running

DEPTH: Final = 20
UNHURRIED: Final = 6  # where an order is followed by a mail, at `post.PACE`
LASTING: Final[dict[str, Any]] = {"access_seconds": 3600}
REFUSED: Final = {(503, "unavailable"), (503, "busy")}


def rows_of(place: Place, depth: int = DEPTH, unhurried: int = UNHURRIED) -> list[Row]:
    """Take everything away, one after the other."""
    return [
        *_house(place, depth),
        *_post(place, unhurried),
        *_mint(place, unhurried),
        *_pair(place, depth),
    ]


def _house(place: Place, depth: int) -> Iterator[Row]:
    folder = place.folder / "house"
    folder.mkdir()
    with house.open_house(folder, **LASTING) as made:
        for what, scene, refused in (
            ("Redis killed", house.redis_gone, set()),
            ("Stripe answers 500", house.stripe_answers_500, set()),
            ("Stripe hangs", house.stripe_hangs, set()),
            ("PostgreSQL killed", house.postgresql_killed_and_started_again, REFUSED),
        ):
            with load(made.service, made.owner, made.event.tenant, depth=depth) as work:
                scene(made, work)
            yield row(what, work, refused)


def _post(place: Place, depth: int) -> Iterator[Row]:
    folder = place.folder / "post"
    folder.mkdir()
    with post.open_post(place.database, place.redis_url, folder, **LASTING) as made:
        for what, scene in (
            ("RabbitMQ killed", post.rabbitmq_gone),
            ("a webhook's receiver hangs", post.an_endpoint_gone),
            ("SMTP hangs", post.smtp_slow),
        ):
            made.mails.taken.clear()
            with load(made.service, made.owner, made.tenant, post.PACE, depth) as work:
                scene(made, work)
            made.ahead.move(post.DUE)
            made.until_all_have_mail(len(work.orders))
            made.until_all_are_told(work.orders)
            yield row(what, work, set())


def _mint(place: Place, depth: int) -> Iterator[Row]:
    database = copy_template(place.database.superuser)
    folder = place.folder / "mint"
    folder.mkdir()
    with mint.open_mint(database, place.redis_url, folder, **LASTING) as made:
        with load(made.service, made.owner, made.tenant, post.PACE, depth) as work:
            mint.solana_gone(made, work)
        made.until_minted(work, len(work.orders))
        yield row("Solana's node answers 503", work, set())


def _pair(place: Place, depth: int) -> Iterator[Row]:
    folder = place.folder / "pair"
    folder.mkdir()
    with (
        pair.pair(folder) as servers,
        running(servers.database, place.redis_url, folder, **LASTING) as service,
    ):
        owner = service.person()
        with load(service, owner, service.tenant(owner), depth=depth // 4 or 1) as work:
            pair.postgresql_fails_over(servers, service, work)
        yield row("PostgreSQL fails over", work, REFUSED)


def row(what: str, work: Load, refused: set[tuple[int, str]]) -> Row:
    """Say how long orders took. `refused`: the answers that are not success, and yet right."""
    if not work.answers.keys() <= {(201, ""), *refused}:
        raise SystemExit(f"{what}: {work.answers}")
    phases = {phase: [each for each in work.answered if each.phase is phase] for phase in Phase}
    slow = percentile(_seconds(phases[Phase.DURING]), 0.99)
    said = "; ".join(f"{phase} {_said(each)}" for phase, each in phases.items())
    return Row(f"{what}: order meanwhile, p99", slow, "s", ORDERED, "at most", said)


def _said(answered: Sequence[Answered]) -> str:
    seconds = _seconds(answered)
    well = Counter(each.well for each in answered)
    middle, slow = (percentile(seconds, share) * 1000 for share in (0.5, 0.99))
    refused = f", {well[False]} refused" if well[False] else ""
    return f"{len(answered)}: {middle:.0f}, {slow:.0f} ms{refused}"


def _seconds(answered: Sequence[Answered]) -> list[float]:
    return sorted(each.seconds for each in answered)


if __name__ == "__main__":
    tell(rows_of)
