"""The page of a ticket's asset. It says only what was proved, and what that is worth.

Words that vary are escaped; nothing in the page is a script.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC
from html import escape
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import urlsplit

import msgspec
from litestar import Response

from cloud.db.connect import Row
from cloud.ledger.bubblegum.leaf import leaf_hash
from cloud.ledger.tree.hashing import EMPTY_LEAF
from cloud.ledger.values import Flag
from cloud.ledger.web.shapes import StepOut, shown
from cloud.ledger.web.verifying import Report, Verdict
from cloud.ledger.work.naming import name_of, uri_of

PAGE: Final = Template(Path(__file__).with_name("templates").joinpath("asset.html").read_text())
CSP: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none';"
    " frame-ancestors 'none'; base-uri 'none'"
)
WORDS: Final[Mapping[Verdict, tuple[str, str]]] = {
    Verdict.PROVED: ("Proved", "This ticket's asset is in the tree, as our records say."),
    Verdict.BURNT: (
        "Burnt",
        "This ticket was taken back: its asset was burnt, as our records say.",
    ),
    Verdict.NOT_MINTED: ("Not minted", "There is no asset of this ticket. It may come yet."),
    Verdict.DIFFERS: ("Differs", "The ledger and our records say different things. We look at it."),
    Verdict.CONTRADICTED: ("Not proved", "What the index says, the tree's account denies."),
    Verdict.UNKNOWN: (
        "Not known",
        "The ledger could not be asked just now, or its index is behind. Try again later.",
    ),
}
EMBEDDED: Final = (
    "The ledger is run by the ticket service: same transactions, leaf hashes, asset ids and"
    " tree-account bytes as the on-chain programs, checked by vectors recorded from them. It is"
    " not a blockchain: one operator, no consensus."
)
SOLANA: Final = (
    "The tree's account was read from Solana, from the nodes that the ticket service asks; you"
    " can ask others for it."
)
DONE: Final[Mapping[str, str]] = {
    "mint": "Minted", "transfer": "Moved to another owner", "freeze": "Frozen",
    "thaw": "Thawed", "burn": "Burnt",
}  # fmt: skip


class Told(msgspec.Struct, frozen=True):
    """What the page says, and what a program is told instead."""

    verdict: Verdict
    fault: str
    name: str | None
    event: str | None
    checks: dict[str, bool]
    asset: str | None
    owner: str | None
    frozen: bool
    tree: str | None
    leaf: int | None
    leaf_hash: str | None
    root: str | None
    proof: list[str]
    metadata: str | None
    image: str | None
    history: Sequence[StepOut]


def told(row: Row, report: Report, history: Sequence[StepOut]) -> Told:
    """Return what is to be said of an asset. What was proved goes before what we have."""
    body, found, proof = row["body"], report.asset, report.proof
    hashed, is_frozen = None, row["frozen"] is True
    if found is not None:
        is_frozen = is_frozen if found.burnt else bool(found.leaf.flags & Flag.FROZEN)
        hashed = (EMPTY_LEAF if found.burnt else leaf_hash(found.leaf)).hex()
    return Told(
        report.verdict, report.fault,
        None if body is None else name_of(body["event"], row["number"]),
        None if body is None else body["event"],
        {check.what: check.good for check in report.checks},
        shown(row["asset_id"]),
        shown(row["owner"]) if found is None or found.burnt else str(found.leaf.owner),
        is_frozen, shown(row["tree"]), row["leaf_index"], hashed,
        None if proof is None else proof.root.hex(),
        [] if proof is None else [node.hex() for node in proof.nodes],
        None if body is None else uri_of(body["base"], row["ref"], row["gen"]),
        None if body is None else body.get("image"),
        history,
    )  # fmt: skip


def asset(base: str, said: Told, *, explorer: str | None = None) -> str:
    """Return the page. It claims no more of a ledger than is so.

    `explorer` (settings.ledger_explorer): of a ledger on Solana; None: the embedded one.
    """
    head, lead = WORDS[said.verdict]
    return PAGE.substitute(
        base=base,
        title=escape(said.name or "A ticket"),
        verdict=said.verdict.value,
        picture=_picture(said.image),
        head=escape(head),
        lead=escape(lead),
        checks=_checks(said),
        facts=_facts(said, explorer or ""),
        history=_history(said.history, explorer or ""),
        nodes="".join(f"<li><code>{node}</code></li>" for node in said.proof),
        proof="" if said.proof else " hidden",
        worth=EMBEDDED if explorer is None else SOLANA,
    )


def response(html: str) -> Response[str]:
    """Return a page that is true now."""
    headers = {"content-security-policy": CSP, "cache-control": "no-store", "vary": "accept"}
    return Response(html, media_type="text/html", headers=headers)


def _picture(image: str | None) -> str:
    """Return the picture, by its path: the page shows nothing from elsewhere."""
    if image is None:
        return ""
    return f'<img class="picture" src="{escape(urlsplit(image).path)}" alt="">'


def _checks(said: Told) -> str:
    rows = "".join(
        f'<li class="{"good" if good else "bad"}"><span>{"Yes" if good else "No"}</span>'
        f" {escape(what)}</li>"
        for what, good in said.checks.items()
    )
    return f'<ul class="checks">{rows}</ul>' if rows else ""


def _facts(said: Told, explorer: str) -> str:
    facts = {
        "Event": said.event, "Asset": said.asset, "Owner's address": said.owner,
        "Tree": said.tree, "Place in the tree": said.leaf, "Leaf": said.leaf_hash,
        "Root": said.root,
    }  # fmt: skip
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{_value(name, value, explorer)}</dd></div>"
        for name, value in facts.items()
        if value is not None
    )
    link = said.metadata and (
        f'<div><dt>Metadata</dt><dd><a href="{escape(said.metadata)}">'
        f"<code>{escape(said.metadata)}</code></a></dd></div>"
    )
    return f"<dl>{rows}{link or ''}</dl>" if rows else ""


def _value(name: str, value: str | int, explorer: str) -> str:
    if name in ("Event", "Place in the tree"):
        return escape(str(value))
    on_chain = name in ("Asset", "Owner's address", "Tree")
    return _code(str(value), "address", explorer if on_chain else "")


def _code(value: str, kind: str, explorer: str) -> str:
    """Return what a machine would read, with a way to where others show it, if there is one."""
    code = f"<code>{escape(value)}</code>"
    if not (explorer and value):
        return code
    href = explorer.replace("{kind}", kind).replace("{id}", value)
    return f'<a href="{escape(href)}" rel="noreferrer">{code}</a>'


def _history(history: Sequence[StepOut], explorer: str) -> str:
    if not history:
        return '<p class="quiet">Nothing yet.</p>'
    rows = "".join(
        f"<li><strong>{escape(DONE.get(step.kind, step.kind))}</strong>"
        f' <time datetime="{step.at.astimezone(UTC).isoformat()}">'
        f"{step.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC</time>"
        f"{_code(step.signature or '', 'tx', explorer)}</li>"
        for step in history
    )
    return f'<ol class="history">{rows}</ol>'
