"""A gate whose card was copied, and both are on the LAN: one key, one boot, two histories."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from shared.claims.leases import SETTLE_MS
from tests.edge.claiming import Contest, contest, degraded
from tests.edge.gates import Site
from tests.edge.lans import until


def copied(site: Site, folder: Path) -> Site:
    """Copy the card of a gate that is off."""
    shutil.copytree(site.folder, folder / "data")
    settings = structs.replace(site.settings, data=str(folder / "data"), run=str(folder / "run"))
    return replace(site, settings=settings, _gate=None)


async def both(site: Contest, folder: Path) -> None:
    """Have South and its copy start, each called by and calling North and West."""
    south = await site.close("South")
    south.close()
    copy = copied(south, folder / "copy")
    for name, each in (("South", south), ("Copy", copy)):
        await asyncio.to_thread(each.open)
        await site.join(each, name)
        for other in ("North", "West"):
            site.aim(name, other)
            site.aim(other, name)


async def told(folder: Path) -> list[bool]:
    async with contest(folder, "North", "South", "West") as site:
        await site.all_ready()
        await both(site, folder)
        try:
            await asyncio.sleep(SETTLE_MS / 1000)
            for number, name in enumerate(("South", "Copy")):
                assert (await site.at_once(number, name))[0].code == "admitted"
            north, west = site["North"].site.gate, site["West"].site.gate
            await until(lambda: north.ledger.forked() and west.ledger.forked(), 40)
            flagged = []
            for number in [n for n in site.owned_by("West") if n > 1][:20]:
                [verdict] = await site.at_once(number, "North")
                assert verdict.code == "admitted"
                flagged += [degraded(record) for record in site.entries(number)]
                await asyncio.sleep(0.25)
            return flagged
        finally:
            site["Copy"].site.close()


async def kept_out(folder: Path) -> None:
    """The gate with the lower id dials, so that whoever calls it with the same key loses."""
    async with contest(folder, "North", "South") as site:
        lower, other = sorted(("North", "South"), key=lambda name: site[name].device)
        original = await site.close(other)
        original.close()
        copy = copied(original, folder / "copy")
        await asyncio.to_thread(original.open)
        await site.join(original, other)
        site.aim(lower, other)
        await site.connected(lower, other)
        try:
            await asyncio.to_thread(copy.open)
            await site.join(copy, "Copy")
            site.aim("Copy", lower)
            for number, name in enumerate((other, "Copy")):
                assert (await site.at_once(number, name))[0].code == "admitted"
            await until(site[lower].site.gate.ledger.forked, 40)
        finally:
            copy.close()


def test_a_copy_that_is_kept_out_is_heard(tmp_path: Path) -> None:
    """Of two connections of one device the first stays; the second tells its log."""
    asyncio.run(kept_out(tmp_path))


def test_a_copied_gate_is_noticed_and_denies_nobody(tmp_path: Path) -> None:
    """Both of its histories are known at the others, whose claims go on among themselves."""
    flagged = asyncio.run(told(tmp_path))
    assert len(flagged) == 20
    assert flagged.count(True) < 10, "a busy machine may miss 150 ms now and then"
