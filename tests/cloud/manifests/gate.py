"""A gate as the cloud sees it: signed requests, and the list that it keeps."""

import os
import time
from typing import Any

import httpx
import zstandard

from shared import hashing, keys
from shared.devices.request import Request, body_hash, sign_request
from shared.instant import Instant
from shared.keyset import TrustedKeys
from shared.log import writer
from shared.log.record import EMPTY, seal
from shared.manifest import frames
from shared.manifest.assembly import Assembly
from shared.manifest.trusted import TrustedManifest
from shared.wire import unframed
from tests.cloud.service import Event, Person, Service, good


class Gate:
    """A registered device of an event's tenant."""

    def __init__(self, service: Service, owner: Person, event: Event) -> None:
        self.service = service
        self.event = event
        self.owner = owner
        self.secret = keys.secret_key(os.urandom(32))
        public = keys.public_key(self.secret).hex()
        good(owner.post(f"{event.tenant.path}/devices", json={"public": public, "name": "North"}))
        rows = service.database.rows("SELECT ref FROM event WHERE event_id = $1", event.event_id)
        self.ref: bytes = rows[0]["ref"]
        self.http = service.client()
        root = good(self.http.get(f"{event.tenant.path}/root"))["root"]
        self.trusted = TrustedKeys(bytes.fromhex(root))
        self.learn_keys()
        self.manifest = TrustedManifest(self.ref)

    def learn_keys(self) -> None:
        """Take the newest keyset."""
        raw = self.http.get(f"{self.event.tenant.path}/keyset").content
        self.trusted = self.trusted.accept(raw)

    def headers(self, target: str, method: str = "GET", body: bytes = b"") -> dict[str, str]:
        """Sign a request."""
        host = f"{self.http.base_url.host}:{self.http.base_url.port}"
        asked = Request(method, host, target, body_hash(body))
        at = int(time.time() * 1000)
        return {"authorization": sign_request(asked, self.secret, at, os.urandom(16))}

    def get(self, path: str, **more: str) -> httpx.Response:
        """GET, signed."""
        target = f"{self.event.tenant.path}/sync{path}"
        return self.http.get(target, headers={**self.headers(target), **more})

    def upload(self, records: bytes) -> Any:
        """Send records; return the receipt."""
        target = f"{self.event.tenant.path}/log"
        headers = self.headers(target, "POST", records)
        headers["content-type"] = "application/octet-stream"
        return good(self.http.post(target, content=records, headers=headers))

    def boot(self) -> bytes:
        """Return the record that begins this device's log."""
        device = hashing.device_id(keys.public_key(self.secret))
        return seal(writer.boot(writer.Tail(device), EMPTY, self.now().ms, 0), self.secret)

    def of_list(self, what: str, **more: str) -> httpx.Response:
        """GET something of the event's list."""
        return self.get(f"/events/{self.ref.hex()}/{what}", **more)

    def begin(self) -> Assembly:
        """Take the newest head."""
        raw = self.of_list("head").content
        return self.manifest.preload(raw, self.trusted, self.now(), with_names=True)

    def chunks(self, version: int, places: list[int], **more: str) -> list[tuple[int, bytes]]:
        """Take chunks, each followed by its names."""
        want = sum(1 << (255 - place) for place in places)
        answer = self.of_list(f"chunks?version={version}&want={want:064x}&names=true", **more)
        assert answer.status_code == 200, answer.text
        taken, rest = frames.take(answer.content)
        assert rest == b""
        return taken

    def preload(self) -> None:
        """Take the whole list."""
        assembly = self.begin()
        taken = self.chunks(assembly.head.version, assembly.missing)
        for (place, records), (_, names) in zip(taken[::2], taken[1::2], strict=True):
            assembly = assembly.add(place, records).add_names(place, names)
        self.manifest = self.manifest.take(assembly, self.trusted)

    def follow(self) -> Any:
        """Take what changed; return how it was answered."""
        held = self.manifest.held
        assert held is not None
        answer = self.of_list(f"delta?from={held.head.version}")
        assert answer.status_code == 200, answer.text
        base = answer.headers.get("usher-base")
        kind = zstandard.DICT_TYPE_RAWCONTENT
        known = zstandard.ZstdCompressionDict(held.raw, dict_type=kind) if base else None
        raw, log = unframed(
            zstandard.ZstdDecompressor(dict_data=known).decompress(answer.content), 2
        )
        self.manifest = self.manifest.follow(raw, log, self.trusted, self.now())
        return answer

    def now(self) -> Instant:
        """The time."""
        return Instant(int(self.service.clock().timestamp() * 1000))
