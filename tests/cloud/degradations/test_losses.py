"""Each dependency taken away while there is work: what goes on, what is refused, what is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import cloud
from benchmarks.cloud.losses import row
from cloud.http.losses import LOSSES
from tests.cloud.degradations.house import (
    House,
    open_house,
    postgresql_killed_and_started_again,
    redis_gone,
    stripe_answers_500,
    stripe_hangs,
)
from tests.cloud.degradations.load import Phase, load


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        yield made


def test_redis_gone(house: House) -> None:
    """Nobody is refused anything, before, meanwhile and after."""
    with load(house.service, house.owner, house.event.tenant) as working:
        redis_gone(house, working)
    assert working.answers.keys() == {(201, "")}, working.answers
    working.within()  # Redis is waited for for two seconds, and then left alone
    assert {each.phase for each in working.answered} == set(Phase)
    assert row("Redis killed", working, set()).value > 0


def test_stripe_answers_500(house: House) -> None:
    """Paying is refused; all else goes on."""
    with load(house.service, house.owner, house.event.tenant) as working:
        stripe_answers_500(house, working)
    assert working.answers.keys() == {(201, "")}, working.answers
    working.within()


def test_stripe_hangs(house: House) -> None:
    with load(house.service, house.owner, house.event.tenant) as working:
        stripe_hangs(house, working)
    assert working.answers.keys() == {(201, "")}, working.answers
    working.within()


def test_postgresql_killed_and_started_again(house: House) -> None:
    """Meanwhile `unavailable`; whatever was answered before is there afterwards."""
    with load(house.service, house.owner, house.event.tenant) as working:
        postgresql_killed_and_started_again(house, working)
    assert working.answers.keys() <= {(201, ""), (503, "unavailable"), (503, "busy")}
    working.within()  # as long as a request waits for a connection


def test_the_readme_says_what_readyz_says() -> None:
    text = (Path(cloud.__file__).parent / "README.md").read_text()
    for name, loss in LOSSES.items():
        assert f"| {name} | {loss.works} | {loss.waits} | {loss.refused} |" in text
