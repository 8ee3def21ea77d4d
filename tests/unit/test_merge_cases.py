"""The merge on cases worked by hand (spec/merge.md §6)."""

import itertools
from collections import Counter

from shared.devices.roster import Cutoff, Member
from shared.history import Visit
from shared.log.record import Confirm, Kind, Shown, record_hash, record_id
from shared.merge.incidents import Finding, Incident
from shared.merge.logs import Place
from shared.merge.ticket import Word
from shared.merge.view import Added, Presence, Summary, View
from tests.scribe import EVENT, NO_CAP, RE_ENTRY, Scribe, after, hashed, root

T = "ticket"


class Venue:
    """Gates X, Y and Z, and the view of one who has heard everything and checked every proof."""

    def __init__(self) -> None:
        self.x, self.y, self.z = (Scribe(name) for name in "XYZ")
        for gate in (self.x, self.y, self.z):
            gate.boot()

    def view(self, proved: bool = True) -> View:
        view = View()
        for gate in (self.x, self.y, self.z):
            for raw in gate.log:
                view.add(raw)
                if proved:
                    view.prove(raw)
        return view

    def kinds(self, proved: bool = True) -> list[str]:
        return sorted(finding.kind for finding in self.view(proved).findings())


def test_two_copies_on_one_right_are_one_double_admission() -> None:
    """a and b both enter on r0: one of them is in excess."""
    v = Venue()
    v.x.enter(T)
    v.y.enter(T)
    assert v.kinds() == ["double_admission"]
    assert v.view().present(EVENT, 1) == 2


def test_an_exit_relabels_and_does_not_remove() -> None:
    """a and b enter on r0, a leaves: an honest guest could have left unseen, so it is a note."""
    v = Venue()
    a = v.x.enter(T)
    v.y.enter(T)
    v.x.leave(T, record_id(a))
    assert v.kinds() == ["unseen_exit"]


def test_an_exit_that_was_taken_up_excuses_nobody() -> None:
    """a and b enter on r0, a leaves and comes back on that exit: no exit is left to excuse b."""
    v = Venue()
    a = v.x.enter(T)
    v.y.enter(T)
    v.x.leave(T, record_id(a))
    v.x.enter(T, after(a))
    assert v.kinds() == ["double_admission"]


def test_two_people_who_both_left_and_returned_are_two_in_excess() -> None:
    """Both copies leave and both come back: the second chain is two entries long."""
    v = Venue()
    a, b = v.x.enter(T), v.y.enter(T)
    v.x.leave(T, record_id(a))
    v.y.leave(T, record_id(b))
    v.x.enter(T, after(a))
    v.y.enter(T, after(b))
    assert v.kinds() == ["double_admission", "double_admission"]


def test_an_undone_entry_gives_its_right_back_once() -> None:
    """a and b enter, a is undone, c enters on r0 at a gate that knew only of a: one in excess."""
    v = Venue()
    a = v.x.enter(T)
    v.y.enter(T)
    v.x.undo(T, record_id(a))
    v.z.enter(T)
    assert v.kinds() == ["double_admission"]
    assert v.view().present(EVENT, 1) == 2


def test_an_unseen_exit_is_bound_to_the_open_entry() -> None:
    """In at X, out at Y which hadn't heard of it, in again at Y: nothing to report."""
    v = Venue()
    v.x.enter(T)
    out = v.y.leave(T)
    v.y.enter(T, after(out))
    assert v.kinds() == []
    assert v.view().present(EVENT, 1) == 1


def test_a_gate_that_saw_neither_leaves_a_note() -> None:
    """In and out at X, in at Z which saw neither: an unseen exit, no accusation."""
    v = Venue()
    a = v.x.enter(T)
    v.x.leave(T, record_id(a))
    v.z.enter(T)
    assert v.kinds() == ["unseen_exit"]


def test_without_re_entry_an_exit_excuses_nobody() -> None:
    """Where nobody may come back, the same story is a double admission."""
    v = Venue()
    a = v.x.enter(T, terms=NO_CAP)
    v.x.leave(T, record_id(a), terms=NO_CAP)
    v.z.enter(T, terms=NO_CAP)
    assert v.kinds() == ["double_admission"]


def test_two_copies_on_one_day_are_one_incident_whatever_the_cap() -> None:
    """A day pass used twice on day 1 is a double admission, not a day too many."""
    for cap in (1, 2, NO_CAP):
        v = Venue()
        v.x.enter(T, day=1, terms=RE_ENTRY | cap)
        v.y.enter(T, day=1, terms=RE_ENTRY | cap)
        assert v.kinds() == ["double_admission"]


def test_a_third_day_on_a_two_day_pass_is_too_many() -> None:
    """The earliest days are kept, whichever gate learnt of them first."""
    v = Venue()
    third = v.x.enter(T, day=3, terms=2)
    v.y.enter(T, day=1, terms=2)
    v.z.enter(T, day=2, terms=2)
    [finding] = v.view().findings()
    assert (finding.kind, finding.record) == (Incident.TOO_MANY_DAYS, record_id(third))


def test_two_zones_of_one_day_are_one_day() -> None:
    """The cap counts distinct days, not pools."""
    v = Venue()
    v.x.enter(T, day=1, zone=1, terms=1)
    v.y.enter(T, day=1, zone=2, terms=1)
    assert v.kinds() == []


def test_a_group_leaving_by_two_gates_comes_back_by_two() -> None:
    """Both exits name the first entry; both returns name the right after it: all explained."""
    v = Venue()
    a = v.x.enter(T, allowance=2)
    v.x.enter(T, root(T, 1), allowance=2)
    v.y.leave(T, record_id(a), allowance=2)
    v.z.leave(T, record_id(a), allowance=2)
    assert v.view().present(EVENT, 1) == 0
    v.y.enter(T, after(a), allowance=2)
    v.z.enter(T, after(a), allowance=2)
    assert v.kinds() == []
    assert v.view().present(EVENT, 1) == 2


def test_a_group_of_two_that_enters_three_times_has_one_in_excess() -> None:
    """The allowance is the largest that a record carries."""
    v = Venue()
    v.x.enter(T, allowance=2)
    v.y.enter(T, root(T, 1), allowance=2)
    v.z.enter(T, allowance=1)
    assert v.kinds() == ["double_admission"]


def test_a_repeated_exit_lets_nobody_else_out() -> None:
    """Scanned out twice in a row, then back in: one person is inside."""
    v = Venue()
    a = v.x.enter(T)
    out = v.y.leave(T, record_id(a))
    v.y.leave(T, record_id(out))
    assert v.view().present(EVENT, 1) == 0
    v.y.enter(T, after(a))
    assert v.view().present(EVENT, 1) == 1
    assert v.kinds() == []


def test_a_repeated_exit_counts_once_somebody_turns_out_to_have_come_in() -> None:
    """What looked repeated at Y was the exit of an entry at Z that Y hadn't heard of."""
    v = Venue()
    a = v.x.enter(T)
    out = v.y.leave(T, record_id(a))
    v.z.enter(T, after(a))
    v.y.leave(T, record_id(out))
    v.y.enter(T, after(a))
    assert v.kinds() == []
    assert v.view().present(EVENT, 1) == 1


def test_a_blind_exit_cannot_close_what_follows_from_it() -> None:
    """In, out at X, out again at Y which knew nothing, in on that second exit: one inside."""
    v = Venue()
    a = v.x.enter(T)
    v.x.leave(T, record_id(a))
    blind = v.y.leave(T)
    v.y.enter(T, after(blind))
    assert v.kinds() == []
    assert v.view().present(EVENT, 1) == 1


def test_exits_without_entries_leave_nobody_inside() -> None:
    """Occupancy never falls below zero."""
    v = Venue()
    v.x.leave(T)
    v.y.leave(T)
    assert v.view().present(EVENT, 1) == 0
    assert v.kinds() == []


def test_an_override_stands_on_a_right_of_its_own() -> None:
    """A supervisor's admission is counted, is no incident, and its exit may be followed."""
    v = Venue()
    v.x.enter(T)
    o = v.y.enter(T, kind=Kind.OVERRIDE)
    v.y.leave(T, record_id(o))
    v.y.enter(T, after(o))
    assert v.kinds() == []
    assert v.view().present(EVENT, 1) == 2


def test_an_override_without_its_proof_is_an_incident() -> None:
    """No supervisor's signature, no excuse."""
    v = Venue()
    v.x.enter(T)
    v.y.enter(T, kind=Kind.OVERRIDE)
    assert v.kinds(proved=False) == ["unproved_override"]


def test_the_winner_is_the_better_confirmed_then_the_stronger_shown_then_the_earlier() -> None:
    """The order says which entry is named; it names the one it ranks last."""
    for better in ({"confirm": Confirm.CLAIMED}, {"shown": Shown.LIVE}):
        v = Venue()
        early = v.x.enter(T)
        v.y.clock += 60_000
        v.y.enter(T, **better)
        assert [f.record for f in v.view().findings()] == [record_id(early)]
    v = Venue()
    v.x.clock += 60_000
    late = v.x.enter(T)
    v.y.enter(T)
    assert [f.record for f in v.view().findings()] == [record_id(late)]


def test_another_devices_exit_counts_only_with_its_proof() -> None:
    """A stolen gate can't make guests leave on paper."""
    v = Venue()
    a = v.x.enter(T)
    out = v.y.leave(T, record_id(a))
    assert v.view(proved=False).present(EVENT, 1) == 1
    assert v.view(proved=False).summary().unproved == (record_id(out),)
    assert v.view().present(EVENT, 1) == 0
    assert v.view().summary().unproved == ()


def test_a_device_undoes_its_own_admission_and_no_other_without_proof() -> None:
    """ANNUL by another device waits for the supervisor's signature."""
    v = Venue()
    a = v.x.enter(T)
    v.y.undo(T, record_id(a))
    assert v.view(proved=False).present(EVENT, 1) == 1
    assert v.view().present(EVENT, 1) == 0
    v.x.undo(T, record_id(a))
    assert v.view(proved=False).present(EVENT, 1) == 0


def test_an_exit_and_an_undo_of_one_entry_give_one_state() -> None:
    """The undone entry is gone; the exit then closes whoever is left, here nobody."""
    v = Venue()
    a = v.x.enter(T)
    v.x.leave(T, record_id(a))
    v.x.undo(T, record_id(a))
    assert v.kinds() == []
    assert v.view().present(EVENT, 1) == 0
    assert v.view().entered(EVENT, 1) == 0


def test_a_withdrawn_ticket_makes_its_admissions_incidents() -> None:
    """Each admission that stands is one, an override none."""
    v = Venue()
    v.x.enter(T)
    v.y.enter(T, kind=Kind.OVERRIDE)
    view = v.view()
    view.learn_ticket(EVENT, hashed(T), Word(withdrawn=True))
    assert [f.kind for f in view.findings()] == ["revoked_admission"]


def test_an_older_generation_is_superseded_by_a_proved_newer_one() -> None:
    """The new code revokes the old one by itself; a device's bare word does not."""
    v = Venue()
    v.x.enter(T, gen=1)
    v.y.enter(T, gen=2)
    assert v.kinds(proved=False) == ["double_admission"]
    assert v.kinds() == ["double_admission", "superseded_admission"]


def test_the_manifests_generation_never_falls() -> None:
    """An older word after a newer one changes nothing."""
    v = Venue()
    v.x.enter(T, gen=1)
    view = v.view(proved=False)
    view.learn_ticket(EVENT, hashed(T), Word(gen=2))
    view.learn_ticket(EVENT, hashed(T), Word(gen=1))
    assert [f.kind for f in view.findings()] == ["superseded_admission"]
    assert view.history(EVENT, hashed(T)).gen == 2


def test_a_gap_makes_what_follows_wait_and_is_healed() -> None:
    """Records after a missing one are kept, visible, and count once it is there."""
    x = Scribe("X")
    x.boot()
    first, second, third = x.enter("a"), x.enter("b"), x.enter("c")
    view = View()
    view.add(x.log[0])
    assert view.add(third) is Added.WAITING
    assert view.add(second) is Added.WAITING
    assert view.add(second) is Added.KNOWN
    assert view.present(EVENT, 1) == 0
    assert [place.seq for place, _ in view.quarantined()] == [3, 4]
    assert view.add(first) is Added.NEW
    assert view.quarantined() == []
    assert view.present(EVENT, 1) == 3
    assert view.add(first) is Added.KNOWN


def test_a_record_that_names_another_predecessor_waits() -> None:
    """The right number on the wrong chain does not count."""
    x, impostor = Scribe("X"), Scribe("X")
    x.boot()
    x.enter("a")
    impostor.boot()
    impostor.enter("b")
    stray = impostor.enter("c")
    view = View()
    for raw in [*x.log, stray]:
        view.add(raw)
    assert [i for _, i in view.quarantined()] == [record_id(stray)]


def test_two_records_at_one_place_are_one_equivocation_and_both_count() -> None:
    """A cloned device is reported once a place; nobody it let in is forgotten."""
    x, clone = Scribe("X"), Scribe("X")
    x.boot()
    clone.boot()
    x.enter("a")
    clone.enter("b")
    clone.enter("c")
    view = View()
    for raw in x.log + clone.log:
        view.add(raw)
    assert [(f.kind, f.incarnation, f.seq) for f in view.findings()] == [("equivocation", 1, 2)]
    assert view.present(EVENT, 1) == 3


def test_a_revoked_device_keeps_what_it_wrote_before() -> None:
    """Only records after the cutoff are quarantined, also if they came in earlier."""
    x = Scribe("X")
    x.boot()
    x.enter("a")
    x.enter("b")
    x.boot()
    x.enter("c")
    view = View()
    for raw in x.log:
        view.add(raw)
    assert view.present(EVENT, 1) == 3
    view.learn_roster(5, {x.device: Member(x.public, Cutoff(1, 2))})
    assert view.present(EVENT, 1) == 1
    assert [tuple(place[1:]) for place, _ in view.quarantined()] == [(1, 3), (2, 1), (2, 2)]
    view.learn_roster(4, {})
    assert view.present(EVENT, 1) == 1
    view.learn_roster(6, {x.device: Member(x.public, None)})
    assert view.present(EVENT, 1) == 3


def test_a_boot_that_forgets_records_shows() -> None:
    """A restored or truncated log starts from a record that others have followed."""
    x = Scribe("X")
    x.boot()
    kept = x.enter("a")
    lost = x.enter("b")
    x.boot()
    view = View()
    for raw in x.log:
        view.add(raw)
    assert view.findings() == []
    x.log.pop()
    x.incarnation -= 1
    boot = x.boot(prev=record_hash(kept))
    view = View()
    for raw in [*x.log[:2], lost, boot]:
        view.add(raw)
    assert view.findings() == [
        Finding(Incident.LOG_TRUNCATED, bytes(8), bytes(16), record_id(boot), x.device, 2, 1)
    ]


def test_the_history_says_who_is_inside_and_what_is_left() -> None:
    """What decide() reads: newest visit last, claimed and opened rights, distinct days."""
    v = Venue()
    a = v.x.enter(T, day=1, gate=4, allowance=2)
    v.y.clock += 60_000
    b = v.y.enter(T, root(T, 1, day=1), day=1, gate=5, allowance=2)
    out = v.x.leave(T, record_id(a), day=1, allowance=2)
    known = v.view().history(EVENT, hashed(T))
    pool = known.pools[1, 1]
    assert [visit.id for visit in pool.inside] == [record_id(b)]
    assert pool.entries == 2
    assert pool.claimed == {root(T, 0, day=1), root(T, 1, day=1)}
    assert pool.opened == (after(a),)
    assert pool.left == record_id(out)
    assert known.days == {1}
    assert known.last is not None
    assert (known.last.gate, known.last.ms) == (5, v.y.clock)


def test_the_summary_counts_entries_by_gate() -> None:
    """Entries that stand, by the gate they were made at."""
    v = Venue()
    v.x.enter("a", gate=1)
    v.x.enter("b", gate=1)
    c = v.y.enter("c", gate=2)
    v.y.undo("c", record_id(c))
    view = v.view()
    assert view.entered(EVENT, 1) == 2
    assert view.summary().entries == ((EVENT, 1, 2),)
    assert Counter(n for _, n in view.summary().presence) == {2: 1}


def test_the_whole_summary_of_a_small_story() -> None:
    """Every value of it, so that a holder in another language can be compared."""
    v = Venue()
    v.y.clock += 60_000
    v.x.enter(T, zone=2, day=3, gate=0x0102)
    b = v.y.enter(T, zone=2, day=3, gate=0x0102)
    gap = Scribe("gap")
    gap.boot()
    gap.enter("lost")
    waiting = gap.enter("later")
    view = v.view()
    view.add(gap.log[0])
    view.add(waiting)
    found = Finding(Incident.DOUBLE_ADMISSION, EVENT, hashed(T), record_id(b), v.y.device, 1, 2)
    assert view.summary() == Summary(
        presence=((Presence(EVENT, 2, 3), 2),),
        entries=((EVENT, 0x0102, 2),),
        findings=(found,),
        quarantined=((Place(gap.device, 1, 3), record_id(waiting)),),
        unproved=(),
    )


def test_views_that_differ_have_other_digests() -> None:
    """One more record that says something shows."""
    v = Venue()
    before = v.view().summary().digest()
    v.x.enter(T)
    assert v.view().summary().digest() != before


def test_each_visit_says_where_it_was_and_on_which_right() -> None:
    """What staff are told of an earlier entry, whole."""
    v = Venue()
    a = v.x.enter(T, zone=2, day=1, gate=7)
    pool = v.view().history(EVENT, hashed(T)).pools[2, 1]
    visit = Visit(record_id(a), 2, 1, 7, v.x.device, v.x.clock, root(T, 0, 2, 1))
    assert pool.inside == (visit,)
    assert pool.last == visit


def test_newest_means_time_not_id() -> None:
    """Of three entries the last by the clock comes last, whatever their ids."""
    v = Venue()
    ids = []
    for i in range(6):
        v.x.clock += 60_000
        ids.append(record_id(v.x.enter(T, root(T, i), allowance=6)))
    known = v.view().history(EVENT, hashed(T))
    assert [visit.id for visit in known.pools[1, 0].inside] == ids
    assert known.last is not None
    assert known.last.id == ids[-1]
    assert known.pools[1, 0].last == known.last


def test_a_cap_on_days_is_of_entries_on_days() -> None:
    """Entries for the whole event use up no day, and neither do overrides."""
    v = Venue()
    v.x.enter(T, day=0, terms=1)
    v.x.enter(T, day=1, terms=1)
    v.y.enter(T, day=2, terms=1, kind=Kind.OVERRIDE)
    assert v.kinds() == []


def test_an_exit_that_does_not_count_brings_no_allowance() -> None:
    """An unproved OUT of another device can't widen a pool; with its proof it does."""
    v = Venue()
    a = v.x.enter(T)
    v.x.enter(T)
    v.y.leave(T, record_id(a), allowance=9)
    assert v.kinds(proved=False) == ["double_admission"]
    assert v.kinds() == []


def test_a_pool_of_exits_alone_leaves_nothing_open() -> None:
    """Nobody is known to be inside, and the right after the exit is there to be taken."""
    v = Venue()
    out = v.x.leave(T)
    pool = v.view().history(EVENT, hashed(T)).pools[1, 0]
    assert (pool.entries, pool.inside, pool.opened, pool.last) == (0, (), (after(out),), None)
    assert pool.left == record_id(out)


def test_a_roster_of_the_same_version_changes_nothing() -> None:
    """One version has one content; the first heard of is kept."""
    x = Scribe("X")
    x.boot()
    x.enter("a")
    view = View()
    for raw in x.log:
        view.add(raw)
    view.learn_roster(5, {x.device: Member(x.public, None)})
    view.learn_roster(5, {x.device: Member(x.public, Cutoff(0, 0))})
    assert view.present(EVENT, 1) == 1


def test_revoking_a_cloned_device_quarantines_both_branches() -> None:
    """Neither the device's nor its clone's records count after the cutoff."""
    x, clone = Scribe("X"), Scribe("X")
    x.boot()
    clone.boot()
    view = View()
    for raw in [x.log[0], x.enter("a"), clone.enter("b")]:
        view.add(raw)
    assert view.present(EVENT, 1) == 2
    view.learn_roster(1, {x.device: Member(x.public, Cutoff(1, 1))})
    assert view.present(EVENT, 1) == 0
    assert {i for _, i in view.quarantined()} == {record_id(x.log[1]), record_id(clone.log[1])}


def test_opened_rights_come_in_the_order_to_take_them() -> None:
    """First those of exits that closed nobody in particular, and each as often as it is left."""
    v = Venue()
    a = v.x.enter(T, allowance=3)
    b = v.x.enter(T, root(T, 1), allowance=3)
    v.x.leave(T, record_id(a), allowance=3)
    v.y.leave(T, record_id(a), allowance=3)
    blind = v.z.leave(T, allowance=3)
    twice, loose = after(a), after(blind)
    both = sorted([twice, loose])
    opened = v.view().history(EVENT, hashed(T)).pools[1, 0].opened
    assert opened == tuple(name for name in both for _ in range(2 if name == twice else 1))
    v.x.enter(T, twice, allowance=3)
    assert v.view().history(EVENT, hashed(T)).pools[1, 0].opened == tuple(both)
    v.x.leave(T, record_id(b), allowance=3)
    v.x.enter(T, loose, allowance=3)
    assert v.view().history(EVENT, hashed(T)).pools[1, 0].opened == (twice, after(b))


def test_a_return_goes_on_with_the_explained_entry() -> None:
    """After an unseen exit two exits are left to come back on; the note stays the only one."""
    v = Venue()
    a = v.x.enter(T)
    v.x.leave(T, record_id(a))
    b = v.z.enter(T)  # Z had seen neither
    assert v.kinds() == ["unseen_exit"]
    v.z.leave(T, record_id(b))
    for _ in range(3):
        opened = v.view().history(EVENT, hashed(T)).pools[1, 0].opened
        back = v.z.enter(T, opened[0])
        assert v.kinds() == ["unseen_exit"]
        v.z.leave(T, record_id(back))


def test_a_manifests_word_changes_what_was_counted_before() -> None:
    """Findings asked for earlier are taken back when the manifest speaks."""
    v = Venue()
    v.x.enter(T, gen=1)
    view = v.view()
    assert view.findings() == []
    view.learn_ticket(EVENT, hashed(T), Word(withdrawn=True))
    assert [f.kind for f in view.findings()] == ["revoked_admission"]
    view.learn_ticket(EVENT, hashed(T), Word(gen=2))
    assert [f.kind for f in view.findings()] == ["revoked_admission", "superseded_admission"]
    assert view.present(EVENT, 1) == 1


def test_each_way_of_showing_a_ticket_outranks_the_weaker() -> None:
    """Challenge before live before static before by hand, however early the weaker came."""
    for weaker, stronger in itertools.pairwise(Shown):
        v = Venue()
        early = v.x.enter(T, shown=weaker)
        v.y.clock += 60_000
        v.y.enter(T, shown=stronger)
        assert [f.record for f in v.view().findings()] == [record_id(early)]


def test_an_equivocation_names_its_place_and_nothing_else() -> None:
    """Event, ticket and record are zero: it is the log that is at fault."""
    x, clone = Scribe("X"), Scribe("X")
    x.incarnation = clone.incarnation = 0x01020303
    view = View()
    for raw in [x.boot(), clone.boot(), x.enter("a"), clone.enter("b")]:
        view.add(raw)
    place = (x.device, 0x01020304, 2)
    assert view.findings() == [
        Finding(Incident.EQUIVOCATION, bytes(8), bytes(16), bytes(16), *place)
    ]


def test_two_entries_at_one_place_are_told_apart_by_their_ids() -> None:
    """The same one of them is named, whichever arrived first."""
    x, clone = Scribe("X"), Scribe("X")
    boots = [x.boot(), clone.boot()]
    pair = [x.enter(T, gate=1), clone.enter(T, gate=2)]
    named = []
    for records in (pair, pair[::-1]):
        view = View()
        for raw in boots + records:
            view.add(raw)
        named.append([f.record for f in view.findings() if f.kind == "double_admission"])
    assert named == [[max(map(record_id, pair))]] * 2


def test_a_record_cannot_follow_one_that_is_not_before_it() -> None:
    """The right hash at the wrong place is no predecessor."""
    x, hostile = Scribe("X"), Scribe("X")
    x.boot()
    hostile.boot()
    second, third = x.enter("a"), x.enter("b")
    for later in (second, third):
        view = View()
        for raw in x.log:
            view.add(raw)
        hostile.seq, hostile.head = 1, record_hash(later)
        assert view.add(hostile.enter("c")) is Added.WAITING


def test_zones_days_and_gates_above_255_are_themselves() -> None:
    """Every number keeps both its bytes, on tickets with one record and with several."""
    v = Venue()
    v.x.enter("alone", zone=0x0102, day=0x0304, gate=0x0506)
    v.x.enter(T, zone=0x0102, day=0x0304, gate=0x0506)
    v.y.enter(T, zone=0x0102, day=0x0304, gate=0x0506)
    view = v.view()
    assert view.present(EVENT, 0x0102, 0x0304) == 3
    assert view.entered(EVENT, 0x0506) == 3
    assert view.summary().presence == ((Presence(EVENT, 0x0102, 0x0304), 3),)


def test_an_exit_before_anybody_entered_makes_no_room() -> None:
    """Whoever comes in on the right of a blind exit is inside, however many such exits."""
    v = Venue()
    outs = [v.x.leave(T, allowance=2), v.x.leave(T, allowance=2)]
    entries = [v.x.enter(T, after(out), allowance=2) for out in outs]
    pool = v.view().history(EVENT, hashed(T)).pools[1, 0]
    assert [visit.id for visit in pool.inside] == [record_id(raw) for raw in entries]


def test_an_exit_closes_the_oldest_entry_made_before_it() -> None:
    """Blind and second exits free one place each; a repeated exit frees none unless needed."""
    v = Venue()
    a = v.x.enter(T, allowance=4)
    b = v.x.enter(T, root(T, 1), allowance=4)
    c = v.x.enter(T, root(T, 2), allowance=4)
    first = v.x.leave(T, record_id(a), allowance=4)
    v.x.leave(T, record_id(a), allowance=4)  # names a again: it was b

    def inside() -> list[bytes]:
        return [visit.id for visit in v.view().history(EVENT, hashed(T)).pools[1, 0].inside]

    assert inside() == [record_id(c)]
    v.x.leave(T, record_id(first), allowance=4)
    assert inside() == [record_id(c)]
    v.x.leave(T, allowance=4)
    assert inside() == []
    v.x.enter(T, after(a), allowance=4)
    v.x.enter(T, after(a), allowance=4)
    third = v.x.enter(T, after(a), allowance=4)  # needs the repeated exit
    assert inside()[-1] == record_id(third)
    assert record_id(b) not in inside()


def test_a_device_closes_its_own_entries_once_and_nobody_elses() -> None:
    """Without proofs it can't let others out by its own entries in other zones, or undone."""
    v = Venue()
    v.x.enter(T)
    elsewhere = v.y.enter(T, zone=2)
    v.y.leave(T, record_id(elsewhere))  # in zone 1
    own = v.y.enter(T)
    v.y.leave(T, record_id(own))
    v.y.leave(T, record_id(own))
    undone = v.y.enter(T)
    v.y.leave(T, record_id(undone))
    v.y.undo(T, record_id(undone))
    view = v.view(proved=False)
    assert view.present(EVENT, 1) == 1
    assert len(view.summary().unproved) == 3


def test_the_code_of_an_older_generation_closes_no_newer_entry() -> None:
    """The seller's old code at an exit does not let the buyer out."""
    v = Venue()
    buyer = v.x.enter(T, gen=2)
    v.y.leave(T, record_id(buyer))
    assert v.view().present(EVENT, 1) == 1


def test_a_record_that_cannot_be_read_holds_its_place_alone() -> None:
    """What follows it counts; it is quarantined itself."""
    x = Scribe("X")
    x.boot()
    strange = x.write(Kind.IN, T, zone=1)  # an IN that consumes no right
    x.enter("b")
    view = View()
    for raw in x.log:
        assert view.add(raw) is Added.NEW
    assert view.present(EVENT, 1) == 1
    assert view.quarantined() == [(Place(x.device, 1, 2), record_id(strange))]


def test_devices_that_the_roster_does_not_list_do_not_count() -> None:
    """From the first roster on; a newer one may list them again."""
    v = Venue()
    v.x.enter(T)
    raw = v.y.enter("other")
    view = v.view()
    assert view.present(EVENT, 1) == 2
    listed = {v.x.device: Member(v.x.public, None)}
    view.learn_roster(1, listed)
    assert view.present(EVENT, 1) == 1
    assert (Place(v.y.device, 1, 2), record_id(raw)) in view.quarantined()
    view.learn_roster(2, {**listed, v.y.device: Member(v.y.public, None)})
    assert view.present(EVENT, 1) == 2
