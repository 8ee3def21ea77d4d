"""Letters made of facts, one function a kind. Pure, but for what a PDF's fonts are read from."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, assert_never

from cloud.notify import pictures
from cloud.notify.addresses import LONGEST_NAME, line
from cloud.notify.facts import (
    Found,
    Gig,
    OfAccount,
    OfEvent,
    OfGuest,
    OfIncidents,
    OfInvitation,
    OfKey,
    OfMoney,
    OfOrder,
    OfTicket,
)
from cloud.notify.letter import Block, Facts, Letter, Picture, Secret, Text
from cloud.notify.model import Kind
from cloud.notify.words import Words, words
from cloud.tickets.model_printed import Printable, has_code

LONGEST: Final = 400  # of a paragraph


def write(found: Found, now: datetime) -> Letter:
    """Return the letter of what was found."""
    say = words(found.language)
    kind, facts = found.kind, found.facts
    tickets: Sequence[Printable] = ()
    match facts:
        case OfOrder():
            tickets, blocks = facts.tickets if facts.proved else (), list(_order(say, facts))
        case OfMoney():
            blocks = list(_money(say, kind, facts))
        case OfTicket():
            tickets = () if facts.mine is None else (facts.mine,)
            blocks = list(_ticket(say, kind, facts))
        case OfGuest():
            tickets, blocks = facts.tickets, list(_guest(say, facts, found.organizer))
        case OfEvent():
            blocks = list(_event(say, kind, facts))
        case OfIncidents():
            blocks = list(_incidents(say, facts, found.organizer))
        case OfInvitation():
            blocks = list(_invitation(say, facts, found.organizer))
        case OfKey():
            blocks = list(_key(say, facts, found.organizer))
        case OfAccount():
            blocks = list(_account(say, kind, facts))
        case _:
            assert_never(facts)
    made = pictures.pdf([each for each in tickets if has_code(each)], say.language, now)
    return headed(found)._replace(blocks=[_clean(each) for each in blocks], attachments=made)


def headed(found: Found) -> Letter:
    """Return the letter without what it says: its subject, its title, its foot."""
    say, named = words(found.language), _named(found)
    organizer = line(found.organizer, LONGEST_NAME)
    foot = say("foot.organizer", organizer=organizer) if organizer else say("foot.platform")
    subject, title = say(_subject(found), **named), say(f"{found.kind}.title", **named)
    return Letter(say.language, subject, title, (), foot, organizer)


def _clean(block: Block) -> Block:
    """Return a block of single lines of visible text: much of it was written by strangers."""
    match block:
        case Text() | Secret():
            return block._replace(text=line(block.text, LONGEST))
        case Facts():
            return Facts([(line(name), line(value, LONGEST)) for name, value in block.rows])
        case Picture():
            return block._replace(title=line(block.title), caption=line(block.caption))
        case _:
            assert_never(block)


def _subject(found: Found) -> str:
    log = isinstance(found.facts, OfIncidents) and found.facts.gig is None
    return f"{found.kind}.subject.log" if log else f"{found.kind}.subject"


def _named(found: Found) -> dict[str, Any]:
    """Return what a subject or a title may name."""
    facts = found.facts
    gig = getattr(facts, "gig", None)
    named: dict[str, Any] = {"organizer": found.organizer, "event": gig.name if gig else ""}
    if isinstance(facts, OfTicket):
        named["sender"] = facts.sender or words(found.language)("offer.somebody")
    if isinstance(facts, OfIncidents):
        named["count"] = sum(facts.kinds.values())
    return named


def _order(say: Words, order: OfOrder) -> Iterator[Block]:
    yield Text(say("order.lead"))
    rows = [*_when(say, order.gig), (say("fact.order"), order.number)]
    yield Facts([*rows, (say("fact.paid"), order.paid)])
    if not order.proved:
        yield Text(say("order.unproved"))
    elif not order.tickets:
        yield Text(say("order.gone"))
    else:
        yield from pictures.blocks(say, order.tickets)


def _money(say: Words, kind: Kind, money: OfMoney) -> Iterator[Block]:
    yield Text(say(f"{kind}.lead"))
    rows = [(say("fact.event"), money.gig.name), (say("fact.order"), money.number)]
    if money.tickets:
        rows.append((say("fact.tickets"), str(money.tickets)))
    if money.amount:
        rows.append((say("fact.amount"), money.amount))
    yield Facts(rows)
    yield Text(say("refund.days" if money.amount else "refund.free"))


def _ticket(say: Words, kind: Kind, facts: OfTicket) -> Iterator[Block]:
    yield Text(say(f"{kind}.lead", sender=facts.sender or say("offer.somebody")))
    rows = [*_when(say, facts.gig), (say("fact.ticket"), facts.ticket)]
    if facts.until is not None:
        rows.append((say("fact.until"), _moment(say, facts.until, facts.gig.timezone)))
    yield Facts(rows)
    if kind is Kind.OFFER:
        yield Text(say("offer.code"))
        yield Secret(facts.secret)
        yield Text(say("offer.stranger"))
    if facts.mine is not None:
        yield from pictures.blocks(say, [facts.mine])


def _guest(say: Words, facts: OfGuest, organizer: str) -> Iterator[Block]:
    yield Text(say("guest.lead", organizer=organizer))
    yield Facts(_when(say, facts.gig))
    yield from pictures.blocks(say, facts.tickets)


def _event(say: Words, kind: Kind, news: OfEvent) -> Iterator[Block]:
    yield Text(say(f"{kind}.lead"))
    yield Facts(_when(say, news.gig))
    if kind is Kind.EVENT_CANCELLED:
        yield Text(say("event_cancelled.money"))


def _incidents(say: Words, facts: OfIncidents, organizer: str) -> Iterator[Block]:
    yield Text(say("incident.lead"))
    about = facts.gig.name if facts.gig else say("incident.log")
    kinds = [(str(n), say(f"incident.kind.{kind}")) for kind, n in sorted(facts.kinds.items())]
    yield Facts([(say("fact.event"), about), *kinds])
    yield Text(say("incident.act", organizer=organizer))
    yield Text(say("incident.rest"))


def _invitation(say: Words, facts: OfInvitation, organizer: str) -> Iterator[Block]:
    yield Text(say("invitation.lead", organizer=organizer))
    yield Facts(
        [
            (say("fact.role"), say(f"invitation.role.{facts.role}")),
            (say("fact.until"), _moment(say, facts.until, "UTC")),
        ]
    )
    yield Text(say("invitation.code"))
    yield Secret(facts.secret)


def _key(say: Words, facts: OfKey, organizer: str) -> Iterator[Block]:
    yield Text(say("key_exported.lead", organizer=organizer))
    yield Facts([(say("fact.address"), facts.address)])
    yield Text(say("key_exported.worth"))
    yield Text(say("key_exported.stranger", organizer=organizer))


def _account(say: Words, kind: Kind, facts: OfAccount) -> Iterator[Block]:
    yield Text(say(f"{kind}.lead"))
    if facts.secret:
        yield Secret(facts.secret)
    if kind is not Kind.KNOWN:
        yield Text(say(f"{kind}.stranger"))


def _when(say: Words, gig: Gig) -> list[tuple[str, str]]:
    when = say(
        "when",
        day=say.day(gig.starts_at, gig.timezone),
        doors=say.clock(gig.doors_at, gig.timezone),
        starts=say.clock(gig.starts_at, gig.timezone),
        zone=gig.timezone,
    )
    where = ", ".join(filter(None, (gig.place, gig.address)))
    return [(say("fact.event"), gig.name), (say("fact.when"), when), (say("fact.where"), where)]


def _moment(say: Words, at: datetime, timezone: str) -> str:
    day, clock = say.day(at, timezone), say.clock(at, timezone)
    return say("moment", day=day, clock=clock, zone=timezone)
