"""Laws of the merged view (spec/merge.md §7): the numbers are those of the spec's list."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.devices.roster import Cutoff, Member
from shared.hashing import after_right
from shared.log.record import ZERO16, Kind, record_id
from shared.merge.incidents import Incident
from shared.merge.ticket import Pool, Word, view_ticket
from shared.merge.view import Added, Summary, View
from tests.scribe import EVENT, NO_CAP, RE_ENTRY, Scribe, hashed, root

TICKETS = ("anna", "bruno")
OF_EXCESS = {Incident.DOUBLE_ADMISSION, Incident.UNSEEN_EXIT, Incident.TOO_MANY_DAYS}

# A story is told in symbols, so that it can be told again with other clocks, ids and devices.
Act = tuple[str, int, str, int, int, int]  # what, gate, ticket, which earlier act, zone, day
acts: st.SearchStrategy[Act] = st.tuples(
    st.sampled_from(["enter", "enter", "return", "leave", "leave", "blind", "undo", "override"]),
    st.integers(0, 3),
    st.sampled_from(TICKETS),
    st.integers(0, 20),
    st.integers(1, 2),
    st.integers(0, 3),
)
stories = st.lists(acts, min_size=1, max_size=14)


class Told:
    """A story as records: `logs` by gate, `all` in the order told."""

    def __init__(self, story: list[Act], salt: str = "", clocks: tuple[int, ...] = ()) -> None:
        self.gates = [Scribe(f"gate {i} {salt}") for i in range(4)]
        for scribe, clock in zip(self.gates, clocks, strict=False):
            scribe.clock += clock
        self.all = [scribe.boot() for scribe in self.gates]
        self.salt = salt
        done: dict[str, list[tuple[str, bytes, dict[str, Any]]]] = {}
        for what, gate, word, which, zone, day in story:
            earlier = done.setdefault(word, [])
            where: dict[str, Any] = {"zone": zone, "day": day}
            ref = ZERO16
            if what == "undo" and not earlier:
                what = "enter"  # an ANNUL of nothing is no record
            if earlier and what in ("return", "leave", "undo"):
                kind, named, where = earlier[which % len(earlier)]
                ref = after_right(record_id(named)) if what == "return" else record_id(named)
                if what == "leave" and kind == "undo":
                    ref = ZERO16
            self.all.append(raw := self._act(what, self.gates[gate], word + salt, ref, where))
            earlier.append((what, raw, where))

    def _act(
        self, what: str, gate: Scribe, ticket: str, ref: bytes, where: dict[str, Any]
    ) -> bytes:
        terms = RE_ENTRY | (2 if where["day"] else NO_CAP)
        if what in ("leave", "blind"):
            return gate.leave(ticket, ref, terms=terms, **where)
        if what == "undo":
            return gate.undo(ticket, ref, **where)
        right = ref if what == "return" and ref != ZERO16 else root(ticket, 0, **where)
        kind = Kind.OVERRIDE if what == "override" else Kind.IN
        return gate.enter(ticket, right, kind=kind, terms=terms, **where)


def seen(records: list[bytes], proofs: list[bytes] | None = None) -> View:
    view = View()
    for raw in records:
        view.add(raw)
    for raw in records if proofs is None else proofs:
        if raw[1] != Kind.BOOT:
            view.prove(raw)
    return view


def kinds(view: View) -> list[str]:
    return sorted(finding.kind for finding in view.findings())


def people(summary: Summary) -> list[tuple[int, int, int]]:
    return sorted((p.zone, p.day, n) for p, n in summary.presence)


@given(stories, st.randoms(use_true_random=False), st.data())
def test_law_1_and_2_order_batches_and_repetition_do_not_matter(
    story: list[Act], random: Any, data: st.DataObject
) -> None:
    """Union is commutative, associative and idempotent; queries in between change nothing."""
    told = Told(story).all
    again = random.sample(told, len(told)) + random.choices(told, k=len(told) // 2)
    view = View()
    for i, raw in enumerate(again):
        if i % 2:
            view.prove(raw)
        view.add(raw)
        if random.random() < 0.3:
            view.summary()
    for raw in again:
        view.prove(raw)
    assert view.summary().digest() == seen(told, again).summary().digest()


@given(stories, st.data())
def test_law_3_what_counts_once_counts_in_every_later_state(
    story: list[Act], data: st.DataObject
) -> None:
    """Adding records to a view only adds to what it holds and counts."""
    told = Told(story).all
    cut = data.draw(st.integers(0, len(told)))
    view = seen(told[:cut], told)
    for raw in told[cut:]:
        assert view.add(raw) is Added.NEW
    assert all(view.add(raw) is Added.KNOWN for raw in told)
    assert view.quarantined() == []


@given(stories, st.data())
def test_law_4_a_missing_record_makes_its_followers_wait_and_drops_none(
    story: list[Act], data: st.DataObject
) -> None:
    """Each record is counted or quarantined, and the gap's arrival heals all."""
    told = Told(story)
    lost = data.draw(st.sampled_from(told.all))
    view = seen([raw for raw in told.all if raw != lost], told.all)
    followers = [r for g in told.gates if lost in g.log for r in g.log[g.log.index(lost) + 1 :]]
    assert {i for _, i in view.quarantined()} == {record_id(raw) for raw in followers}
    view.add(lost)
    assert view.summary() == seen(told.all).summary()


@given(stories, stories, st.randoms(use_true_random=False))
def test_law_5_two_records_at_one_place_are_one_equivocation(
    story: list[Act], other: list[Act], random: Any
) -> None:
    """A restored or cloned gate: as many equivocations as places with two records."""
    told, clone = Told(story), Told(other)
    places: dict[tuple[bytes, bytes], set[bytes]] = {}
    for raw in told.all + clone.all:
        places.setdefault((raw[4:20], raw[20:32]), set()).add(raw)
    want = sum(1 for raws in places.values() if len(raws) > 1)
    everything = told.all + clone.all
    first = seen(random.sample(everything, len(everything)), everything)
    assert kinds(first).count(Incident.EQUIVOCATION) == want
    second = seen(random.sample(everything, len(everything)), everything)
    assert first.summary().digest() == second.summary().digest()


@given(stories, st.data())
def test_law_7_each_excess_entry_is_one_incident_and_more_entries_never_lower_it(
    story: list[Act], data: st.DataObject
) -> None:
    """One finding of excess a record at most; leaving out an entry leaves no more of them."""
    told = Told(story).all
    everything = [f for f in seen(told).findings() if f.kind in OF_EXCESS]
    assert len({f.record for f in everything}) == len(everything)
    entries = [raw for raw in told if raw[1] in (Kind.IN, Kind.OVERRIDE)]
    if entries:
        without = data.draw(st.sampled_from(entries))
        assert excess_without(told, without) <= len(everything)


def excess_without(told: list[bytes], without: bytes) -> int:
    """Count excess as if one entry had never been: its ticket's records, merged alone."""
    by_ticket: dict[bytes, list[bytes]] = {}
    for raw in told:
        if raw[1] != Kind.BOOT and raw != without:
            by_ticket.setdefault(raw[96:112], []).append(raw)
    proved = {record_id(raw) for raw in told}
    views = [view_ticket(raws, proved) for raws in by_ticket.values()]
    return sum(1 for view in views for f in view.findings if f.kind in OF_EXCESS)


@given(stories, st.lists(st.integers(-(10**9), 10**9), min_size=4, max_size=4))
def test_law_8_incidents_depend_on_no_clock_and_no_id(story: list[Act], clocks: list[int]) -> None:
    """The same story with other devices, tickets and clocks: the same kinds, the same people."""
    plain = seen(Told(story).all)
    other = seen(Told(story, salt="x", clocks=tuple(clocks)).all)
    assert kinds(plain) == kinds(other)
    assert people(plain.summary()) == people(other.summary())


@given(stories)
def test_law_9_presence_is_entries_neither_undone_nor_closed(story: list[Act]) -> None:
    """Never negative, never more than the entries that stand, none where nobody entered."""
    view = seen(Told(story).all)
    stand = {(p.zone, p.day): n for p, n in view.summary().presence}
    for word in TICKETS:
        for (zone, day), pool in view.ticket(EVENT, hashed(word)).pools.items():
            inside = pool.explained.presence
            assert 0 <= inside <= len(pool.entries)
            known = view.history(EVENT, hashed(word)).pools[zone, day].inside
            assert {visit.id for visit in known} <= pool.entries.keys() - closed(pool)
            if not pool.exits:
                assert inside == len(pool.entries)
            stand[zone, day] = stand.get((zone, day), 0) - inside
    assert not any(stand.values())


def closed(pool: Pool) -> set[bytes]:
    return {record.ref for record in pool.exits.values()}


@given(st.lists(st.tuples(st.integers(0, 65535), st.booleans()), max_size=12))
def test_law_10_the_accepted_generation_is_monotone(words: list[tuple[int, bool]]) -> None:
    """Whatever manifests and proved records say in turn, it only rises."""
    gate, view, last = Scribe("X"), View(), 0
    view.add(gate.boot())
    for gen, by_manifest in words:
        if by_manifest:
            view.learn_ticket(EVENT, hashed("anna"), Word(gen=gen))
        else:
            raw = gate.enter("anna", gen=gen)
            view.add(raw)
            view.prove(raw)
        now = view.history(EVENT, hashed("anna")).gen
        assert now == max(last, gen)
        last = now


@given(st.permutations(range(4)))
def test_law_15_exit_and_undo_commute(order: list[int]) -> None:
    """OUT and ANNUL of one entry, by either of two gates, give one state in any order."""
    x, y = Scribe("X"), Scribe("Y")
    boots = [x.boot(), y.boot()]
    a = x.enter("anna")
    records = [
        a,
        y.leave("anna", record_id(a)),
        y.undo("anna", record_id(a)),
        x.undo("anna", record_id(a)),
    ]
    view = seen([*boots, *(records[i] for i in order)])
    assert view.summary() == seen([*boots, *records]).summary()
    assert view.present(EVENT, 1) == 0


@given(stories, stories)
def test_law_16_a_compromised_device_can_add_only_its_own_records(
    story: list[Act], hostile: list[Act]
) -> None:
    """Without proofs it undoes, closes and supersedes nothing that others admitted."""
    honest = Told(story)
    rogue = Scribe("rogue")
    records = [rogue.boot()]
    admitted = [raw for raw in honest.all if raw[1] in (Kind.IN, Kind.OVERRIDE, Kind.OUT)]
    for i, (what, _, word, which, zone, day) in enumerate(hostile):
        target = admitted[which % len(admitted)] if admitted else None
        ref = record_id(target) if target else ZERO16
        where: dict[str, Any] = {"zone": zone, "day": day}
        if target:
            where = {
                "zone": int.from_bytes(target[90:92], "big"),
                "day": int.from_bytes(target[92:94], "big"),
            }
        if what in ("leave", "blind"):
            records.append(rogue.leave(word, ref if what == "leave" else ZERO16, **where))
        elif what == "undo" and ref != ZERO16:
            records.append(rogue.undo(word, ref, **where))
        else:
            terms = RE_ENTRY | (2 if where["day"] else NO_CAP)  # a lie here is a limit: spec §8
            made_up = after_right(ref)
            records.append(rogue.enter(word, made_up, gen=65535 - i, terms=terms, **where))
    before = seen(honest.all)
    after = seen(honest.all + records, honest.all)
    for word in TICKETS:
        one, two = (v.ticket(EVENT, hashed(word)) for v in (before, after))
        assert two.gen == one.gen
        for key, pool in one.pools.items():
            assert pool.entries.keys() <= two.pools[key].entries.keys()
            assert pool.explained.presence <= two.pools[key].explained.presence
            assert pool.exits == two.pools[key].exits
    assert len(excess(before)) <= len(excess(after))


def excess(view: View) -> list[str]:
    return [kind for kind in kinds(view) if kind in OF_EXCESS]


@given(stories, st.integers(0, 3), st.integers(1, 6), st.booleans())
def test_law_17_revoking_at_a_place_quarantines_only_later_records(
    story: list[Act], which: int, seq: int, early: bool
) -> None:
    """The same view as if the later records had never been chained, told before or after."""
    told = Told(story)
    gate = told.gates[which]
    view = seen([] if early else told.all, told.all)
    members = {each.device: Member(each.public, None) for each in told.gates}
    members[gate.device] = Member(gate.public, Cutoff(1, seq))
    view.learn_roster(1, members)
    for raw in told.all:
        view.add(raw)
    assert {i for _, i in view.quarantined()} == {record_id(r) for r in gate.log[seq:]}
    rest = seen([r for r in told.all if r not in gate.log[seq:]], told.all).summary()
    got = view.summary()
    assert (got.presence, got.findings, got.entries) == (rest.presence, rest.findings, rest.entries)
