"""Solana's nodes away: orders go on, and each ticket is minted once afterwards."""

from pathlib import Path

from tests.cloud.database import Database
from tests.cloud.degradations.load import load
from tests.cloud.degradations.mint import open_mint, solana_gone
from tests.cloud.degradations.post import PACE


def test_solana_gone(database: Database, redis_url: str, tmp_path: Path) -> None:
    with open_mint(database, redis_url, tmp_path) as mint:
        with load(mint.service, mint.owner, mint.tenant, PACE) as work:
            solana_gone(mint, work)
        assert work.answers.keys() == {(201, "")}, work.answers
        work.within()
        mint.until_minted(work, len(work.orders))
