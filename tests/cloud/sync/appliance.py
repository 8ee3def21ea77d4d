"""Gates that speak to a real service: they write real records and sign real requests.

venue = Venue(service)
gate = venue.gate("North")
gate.boot()
gate.scan(venue.scene.ticket())
receipt, taken = gate.send(file_of(gate))
"""

import os
import secrets
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any
from uuid import UUID

import httpx
import msgspec

from cloud.checkins.view import view_of
from cloud.db.connect import open_pool
from cloud.db.tenancy import Origin, tenant_tx
from shared import bundle, hashing, keys
from shared.bundle import FileKind, Part, Section
from shared.devices.proof import countersign
from shared.devices.receipt import Receipt, open_receipt
from shared.devices.request import Request, body_hash, sign_request
from shared.devices.roster import Member
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.log.chain import MAX_BATCH
from shared.log.gossip import Key, Mark
from shared.log.record import (
    DOMAIN,
    EMPTY,
    SIGNED,
    VERSION,
    Bits,
    Kind,
    Record,
    Shown,
    pack,
    pack_bits,
    record_hash,
)
from shared.merge.view import View
from shared.token import parse
from shared.wire import FileTaken, decode_vector, encode_vector, unframed
from tests.cloud.checkins.scene import Scene, code, set_scene, word
from tests.cloud.database import awaited
from tests.cloud.service import Person, Service
from tests.scribe import EVENT, Scribe, root

OCTETS = "application/octet-stream"


class Venue:
    """The festival, its owner, and its gates."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.scene: Scene = set_scene(service.database)
        self.path = f"/v1/tenants/{self.scene.tenant}"
        self.owner: Person = service.person()
        self.scene.run(
            f"""
            SELECT set_config('app.tenant', '{self.scene.tenant}', false);
            INSERT INTO member (account_id, role) VALUES ('{self.owner.account_id}', 'owner');
            """
        )
        self.http = service.client()
        raw = self.http.get(f"{self.path}/keyset").content
        held = self.http.get(f"{self.path}/root").json()["root"]
        self.trusted = TrustedKeys(bytes.fromhex(held)).accept(raw)

    def gate(self, name: str, *, listed: bool = True) -> "Appliance":
        """Return a gate, registered unless told otherwise."""
        gate = Appliance(self, f"{name} {secrets.token_hex(8)}")
        if listed:
            body = {"public": gate.public.hex(), "name": name}
            answer = self.owner.post(f"{self.path}/devices", json=body)
            assert answer.is_success, answer.text
        return gate

    def badge(self, secret: bytes, role: str = "supervisor") -> None:
        """Let somebody's badge in."""
        public = keys.public_key(secret)
        self.scene.run(
            f"""
            SELECT set_config('app.tenant', '{self.scene.tenant}', false);
            INSERT INTO badge (badge_id, public, name, role, created_at)
            VALUES ('\\x{hashing.badge_id(public).hex()}', '\\x{public.hex()}', 'Ada', '{role}',
                    now());
            """
        )

    def view(self) -> View:
        """Return the cloud's view."""

        async def read() -> View:
            pool = await open_pool(self.service.database.app_url, size=1)
            now = self.service.clock()
            async with tenant_tx(pool, self.scene.tenant, Origin("test"), now) as tx:
                view = await view_of(tx, EVENT)
            await pool.close()
            return view

        return awaited(read())


class Appliance(Scribe):
    """A gate of a venue."""

    def __init__(self, venue: Venue, name: str) -> None:
        super().__init__(name)
        self.venue = venue
        self.blobs: list[bytes] = []

    def twin(self) -> "Appliance":
        """Return the same device, from a copy of its disk."""
        twin = Appliance(self.venue, "twin")
        twin.secret, twin.public, twin.device = self.secret, self.public, self.device
        twin.incarnation, twin.seq, twin.head = self.incarnation, self.seq, self.head
        twin.clock = self.clock
        return twin

    def scan(self, ticket: UUID, kind: Kind = Kind.IN, ref: bytes = b"", **more: Any) -> bytes:
        """Write a record of a ticket."""
        if kind is Kind.IN:
            ref = ref or root(word(ticket))
        fields = {"zone": 1, "gate": 1, "allowance": 1, "terms": 255} | more
        if kind in (Kind.ANNUL, Kind.DENY):
            fields |= {"allowance": 0, "terms": 0}
        return self.write(kind, word(ticket), ref or bytes(16), **fields)

    def put(
        self, record: Record, blob: bytes = b"", badge: bytes = b"", *, shown: Shown = Shown.STATIC
    ) -> bytes:
        """Write a record as it is, with the blob that it names, or a badge's countersignature."""
        self.seq += 1
        self.clock += 1000
        bits = 0 if record.kind in (Kind.ATTACH, Kind.SESSION) else pack_bits(Bits(shown=shown))
        record = record._replace(
            version=VERSION, device=self.device, incarnation=self.incarnation, seq=self.seq,
            prev=self.head, hlc=self.clock << 16, monotonic=self.seq * 1000, bits=bits,
        )  # fmt: skip
        blob = countersign(record, badge) if badge else blob
        if blob:
            record = record._replace(evidence=hashing.evidence(blob))
            self.blobs.append(blob)
        body = pack(record)
        raw = body + keys.sign(self.secret, DOMAIN, body[:SIGNED])
        self.head = record_hash(raw)
        self.log.append(raw)
        return raw

    def send(self, file: bytes) -> tuple[Receipt, FileTaken]:
        """Send a log file; return its receipt, opened, and what became of it."""
        answer = self.post("/logs", file)
        assert answer.status_code == 200, answer.text
        raw, told = unframed(answer.content, 2)
        tenant = self.venue.scene.tenant.bytes
        now = Instant(int(self.venue.service.clock().timestamp() * 1000))
        receipt = open_receipt(raw, self.venue.trusted, now, tenant)
        return receipt, msgspec.json.decode(told, type=FileTaken)

    def ask(
        self, vector: Mapping[Key, Mark], *, begin: str = "", events: Iterable[bytes] = (EVENT,)
    ) -> httpx.Response:
        """Ask for what others wrote."""
        refs = ",".join(ref.hex() for ref in events)
        more = f"&from={begin}" if begin else ""
        answer = self.post(f"/sync/gossip?events={refs}{more}", encode_vector(vector))
        assert answer.status_code == 200, answer.text
        return answer

    def post(self, path: str, body: bytes) -> httpx.Response:
        """POST octets, signed."""
        headers = self.headers("POST", path, body) | {"content-type": OCTETS}
        return self.venue.http.post(self.venue.path + path, content=body, headers=headers)

    def get(self, path: str) -> httpx.Response:
        """GET, signed."""
        return self.venue.http.get(self.venue.path + path, headers=self.headers("GET", path))

    def headers(self, method: str, path: str, body: bytes = b"") -> dict[str, str]:
        """Sign a request."""
        base = self.venue.http.base_url
        asked = Request(method, f"{base.host}:{base.port}", self.venue.path + path, body_hash(body))
        at = int(self.venue.service.clock().timestamp() * 1000)
        return {"authorization": sign_request(asked, self.secret, at, os.urandom(16))}


def sections_of(gate: Appliance, raws: Iterable[bytes] | None = None) -> list[Section]:
    """Return a gate's records, or some of them, as sections of a file."""
    records = list(gate.log if raws is None else raws)
    sections = [Section(Part.DEVICE, gate.public)]
    for _, run in groupby(records, key=lambda raw: raw[20:24]):
        of_it = list(run)
        batches = (of_it[at : at + MAX_BATCH] for at in range(0, len(of_it), MAX_BATCH))
        sections += (Section(Part.RECORDS, b"".join(batch)) for batch in batches)
    return sections


def file_of(
    *parts: Appliance | list[Section], blobs: Iterable[bytes] = (), kind: FileKind = FileKind.LOG
) -> bytes:
    """Return a log file of these gates' whole logs, or of sections, and blobs."""
    sections: list[Section] = []
    for part in parts:
        sections += sections_of(part) if isinstance(part, Appliance) else part
    sections += [Section(Part.BLOB, blob) for blob in blobs]
    return b"".join(bundle.encode(kind, sections))


def token_of(ticket: UUID, **more: Any) -> bytes:
    """Return what a ticket's code says, decoded: the proof of who scanned it."""
    return parse(code(ticket, **more)).raw


def about(ticket: UUID, kind: Kind, **more: Any) -> Record:
    """Return a record of a ticket that is to be put."""
    return EMPTY._replace(
        kind=kind, event=EVENT, gate=1, zone=1, allowance=1, terms=255,
        ticket=hashing.id_hash(ticket.bytes), **more,
    )  # fmt: skip


def read(answer: httpx.Response) -> tuple[dict[Key, Mark], list[Section]]:
    """Return the cloud's vector and the file's sections of an answer to `ask`."""
    vector, file = unframed(answer.content, 2)
    assert len(file) <= 2 << 20
    kind, sections = bundle.decode(file)
    assert kind is FileKind.LOG
    return decode_vector(vector), sections


def records_of(sections: Iterable[Section]) -> list[bytes]:
    """Return the records of a file's batches."""
    bodies = [content for part, content in sections if part is Part.RECORDS]
    return [body[at : at + 256] for body in bodies for at in range(0, len(body), 256)]


def view_of_gate(*gates: Appliance, proved: Iterable[bytes] = ()) -> View:
    """Return the view of a gate that holds these gates' records."""
    view = View()
    view.learn_roster(1, {gate.device: Member(gate.public, None) for gate in gates})
    for raw in proved:
        view.prove(raw)
    for gate in gates:
        for raw in gate.log:
            view.add(raw)
    return view
