"""A device's manifest against a plain dictionary of tickets, whatever happens on the way."""

import hypothesis.strategies as st
import pytest
from hypothesis import given
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.errors import Refused, UsherError
from shared.manifest import build, delta
from shared.manifest.delta import Change
from shared.manifest.ticket import FINAL, Status, TicketRecord
from shared.manifest.trusted import TrustedManifest
from tests.publisher import EVENT, NOW, TRUSTED, Publisher, fill, held, load

# Few first bytes, so that chunks have several tickets and some stay empty.
HASHES = st.builds(
    lambda first, rest: bytes((first,)) + rest,
    st.sampled_from([0, 1, 127, 255]),
    st.binary(min_size=15, max_size=15),
)
BLOBS = st.sampled_from([0, 60, 76, 220]).map(lambda size: bytes(range(size)))
HOLDERS = st.sampled_from([bytes(4), b"\1\2\3\4", b"\xff" * 4])
U16 = st.integers(0, 0xFFFF)

Model = dict[bytes, tuple[TicketRecord, bytes]]


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Draw a whole list of tickets, numbered at random."""
    hashes = draw(st.lists(HASHES, unique=True, max_size=30))
    numbers = draw(st.permutations(range(len(hashes))))
    status = st.sampled_from(Status)
    return {
        each: (
            TicketRecord(each, number, draw(U16), draw(U16), draw(status), draw(HOLDERS)),
            draw(BLOBS),
        )
        for each, number in zip(hashes, numbers, strict=True)
    }


def published(model: Model) -> Publisher:
    """Return a publisher of these tickets and names."""
    records = [record for record, _ in model.values()]
    return Publisher(records, {record.ticket_hash: name for record, name in model.values()})


@given(models(), st.lists(HASHES))
def test_a_table_is_a_dictionary(model: Model, others: list[bytes]) -> None:
    """What went in is found, with its name; nothing else is; in the order of hashes."""
    table = held(load(published(model).newest, with_names=True)).table
    for each in [*model, *others]:
        record, name = model.get(each, (None, b""))
        assert table.find(each) == record
        assert table.name(each) == name
    assert list(table.records()) == sorted(record for record, _ in model.values())
    assert table.tickets == len(model)


@given(models(), st.data())
def test_no_byte_of_a_chunk_can_be_changed(model: Model, data: st.DataObject) -> None:
    """A chunk or its names with one byte changed, dropped or added is refused."""
    edition = published(model).newest
    assembly = TrustedManifest(EVENT).preload(edition.raw, TRUSTED, NOW, with_names=True)
    for index in assembly.missing:
        for right, add in (
            (edition.table.chunks[index], assembly.add),
            (edition.table.names[index], assembly.add_names),
        ):
            with pytest.raises(UsherError):
                add(index, data.draw(mutations(right)))
    assert assembly.missing == assembly.missing_names


@given(models(), st.data())
def test_no_byte_of_an_update_can_be_changed(model: Model, data: st.DataObject) -> None:
    """A head or a log with a byte changed, dropped or added is refused; what is held stays."""
    publisher = published(model)
    device = load(publisher.newest, with_names=True)
    before = held(device)
    new = Change(TicketRecord(b"\x80" * 16, len(model), 0, 0, Status.ACTIVE), bytes(60))
    newest, log = publisher.publish(new), publisher.log(1)
    with pytest.raises(UsherError):
        device.follow(newest.raw, data.draw(mutations(log)), TRUSTED, NOW)
    with pytest.raises(UsherError):
        device.follow(data.draw(mutations(newest.raw)), log, TRUSTED, NOW)
    assert held(device) is before
    assert held(device.follow(newest.raw, log, TRUSTED, NOW)) == newest


def mutations(right: bytes) -> st.SearchStrategy[bytes]:
    """Draw `right` with one byte changed, dropped or added."""
    place = st.integers(0, len(right) - 1)
    changed = st.builds(
        lambda at, by: right[:at] + bytes((right[at] ^ by,)) + right[at + 1 :],
        place,
        st.integers(1, 255),
    )
    dropped = place.map(lambda at: right[:at] + right[at + 1 :])
    added = st.builds(lambda at, by: right[:at] + by + right[at:], place, st.binary(min_size=1))
    return st.one_of(changed, dropped, added).filter(lambda wrong: wrong != right)


@st.composite
def successors(draw: st.DrawFn, old: TicketRecord) -> TicketRecord:
    """Draw a record that may take the place of `old`."""
    status = draw(
        st.sampled_from(sorted(FINAL)) if old.status in FINAL else st.sampled_from(Status)
    )
    if old.gen == 0xFFFF or draw(st.booleans()):
        return old._replace(status=status)
    gen = draw(st.integers(old.gen + 1, 0xFFFF))
    return TicketRecord(old.ticket_hash, old.number, gen, draw(U16), status, draw(HOLDERS))


class Gates(RuleBasedStateMachine):
    """One publisher, two devices of which one holds names, and a dictionary for each version."""

    @initialize(model=models())
    def start(self, model: Model) -> None:
        self.publisher = published(model)
        self.models = [model]
        self.devices = [TrustedManifest(EVENT), TrustedManifest(EVENT)]

    @rule(data=st.data(), new=st.lists(st.tuples(HASHES, BLOBS), max_size=3))
    def publish(self, data: st.DataObject, new: list[tuple[bytes, bytes]]) -> None:
        """Change some tickets and add some."""
        model = dict(self.models[-1])
        known = st.sets(st.sampled_from(sorted(model)), max_size=5) if model else st.just(set())
        for each in sorted(data.draw(known)):
            model[each] = data.draw(successors(model[each][0])), data.draw(BLOBS)
        for each, name in new:
            if each not in model:
                record = TicketRecord(each, len(model), 0, data.draw(U16), Status.ACTIVE)
                model[each] = record, name
        changed = [
            Change(*value) for each, value in model.items() if value != self.models[-1].get(each)
        ]
        self.publisher.publish(*data.draw(st.permutations(changed)))
        self.models.append(model)

    @rule(which=st.integers(0, 1), data=st.data())
    def snapshot(self, which: int, data: st.DataObject) -> None:
        """Take any version that is not older; an older one is refused."""
        version = data.draw(st.integers(1, len(self.models)))
        edition = self.publisher.editions[version - 1]
        device = self.devices[which]
        if version < self.version(which):
            with pytest.raises(Refused, match="manifest_rollback"):
                load(edition, device)
            return
        assembly = device.preload(edition.raw, TRUSTED, NOW, with_names=bool(which))
        self.devices[which] = device.take(fill(assembly, edition.table), TRUSTED)

    @rule(which=st.integers(0, 1), data=st.data())
    def follow(self, which: int, data: st.DataObject) -> None:
        """Follow to any version by any part of the log; only the right part will do."""
        device = self.devices[which]
        if device.held is None:
            return
        first = data.draw(st.integers(1, len(self.models)) | st.just(self.version(which)))
        last = data.draw(st.integers(self.version(which), len(self.models)))
        entries = self.publisher.entries[first - 1 : last - 1]
        log = delta.encode(entries)
        raw = self.publisher.editions[last - 1].raw
        if first == self.version(which) or (not entries and last == self.version(which)):
            self.devices[which] = device.follow(raw, log, TRUSTED, NOW)
            return
        with pytest.raises(Refused, match=r"delta_start|delta_end"):
            device.follow(raw, log, TRUSTED, NOW)

    def version(self, which: int) -> int:
        found = self.devices[which].held
        return found.head.version if found else 0

    @invariant()
    def every_device_has_what_its_version_says(self) -> None:
        """Record by record, and hash by hash what a fresh build would have."""
        for which, device in enumerate(self.devices):
            if device.held is None:
                continue
            model = self.models[self.version(which) - 1]
            names = {each: name for each, (_, name) in model.items()} if which else None
            fresh = build.table(EVENT, [record for record, _ in model.values()], names)
            assert device.held.table == fresh


TestGates = Gates.TestCase
