"""kill -9 while it mints: what was acknowledged is there, and the account is what the log makes."""

import asyncio
import subprocess
import sys
import time
from typing import Final

from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.ledger.bubblegum.config import read_config
from cloud.ledger.bubblegum.leaf import leaf_hash
from cloud.ledger.bubblegum.programs import SYSTEM, asset_of, config_of
from cloud.ledger.bubblegum.transaction import Parsed, parse
from cloud.ledger.embedded.accounts import Held
from cloud.ledger.embedded.bank import Bank
from cloud.ledger.embedded.chain import EmbeddedChain
from cloud.ledger.tree.concurrent import load
from cloud.ledger.tree.hashing import root_of
from cloud.ledger.values import Commitment
from tests.cloud.database import Database
from tests.cloud.ledger.scene import PAYER, key

MOMENTS: Final = (0.05, 0.15, 0.4, 0.11, 0.27)  # seconds after the first acknowledgement
TREE: Final = key("tree").pubkey()


def killed(database: Database, start: int, after: float) -> list[str]:
    """Run a minter, kill it, and return what it had acknowledged."""
    command = [sys.executable, "-m", "tests.cloud.ledger.minter", database.app_url, str(start)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as minter:
        assert minter.stdout is not None
        first = minter.stdout.readline()
        time.sleep(after)
        minter.kill()
        return [first.strip(), *minter.stdout.read().split()]


def replayed(database: Database) -> Bank:
    """Execute the whole log again, from the payer's first lamports."""
    bank = Bank({PAYER.pubkey(): Held(SYSTEM, 10**12, bytearray())})
    for row in database.rows("SELECT raw, slot FROM ledger_transaction ORDER BY position"):
        transaction = parse(row["raw"])
        assert isinstance(transaction, Parsed)
        bank.adopt(bank.run(transaction, row["slot"]))
    return bank


def test_killed_at_any_moment(database: Database) -> None:
    """Five times in a row, each time going on where it was."""
    acknowledged: list[str] = []
    for number, after in enumerate(MOMENTS):
        acknowledged += killed(database, number * 10_000, after)
    bank = replayed(database)
    for row in database.rows("SELECT address, owner, lamports, data FROM ledger_account"):
        held = bank.accounts[Pubkey.from_bytes(row["address"])]
        assert (bytes(held.owner), held.lamports, bytes(held.data)) == (
            row["owner"],
            row["lamports"],
            row["data"],
        )
    asyncio.run(_look(database, bank, acknowledged))


async def _look(database: Database, bank: Bank, acknowledged: list[str]) -> None:
    pool = await database.pool()
    try:
        chain = await EmbeddedChain.open(pool, time.time, bytes(32))
        statuses = await chain.statuses([Signature.from_string(said) for said in acknowledged])
        assert [status for status in statuses if status is None or status.error] == []
        tree = load(bank.accounts[TREE].data)
        minted = read_config(bytes(bank.accounts[config_of(TREE)].data)).minted
        assert minted == tree.appended >= len(acknowledged) > 50
        account = await chain.account(TREE, Commitment.FINALIZED)
        assert account is not None
        assert load(bytearray(account.data)).root == tree.root
        for index in (0, minted // 2, minted - 1):
            asset = await chain.asset(asset_of(TREE, index))
            proof = await chain.proof(asset_of(TREE, index))
            assert asset is not None
            assert proof is not None
            assert root_of(leaf_hash(asset.leaf), index, proof.nodes) == tree.root
    finally:
        await pool.close()
