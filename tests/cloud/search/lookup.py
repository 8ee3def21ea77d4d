"""What a gate does with search lists, and badges to open them with."""

import os

from shared import hashing, keys
from shared.devices.badge import encode_badge
from shared.manifest.search import (
    Entry,
    SearchHead,
    Words,
    check_part,
    joined,
    lacking,
    open_part,
    open_search_head,
    open_series,
)
from shared.wire import unframed
from tests.cloud.manifests.gate import Gate
from tests.cloud.service import Person, Tenant, good

AT_ONCE = 8


class Badge:
    """A person's badge, known to the tenant."""

    def __init__(self, owner: Person, tenant: Tenant, role: str = "supervisor") -> None:
        self._owner = owner
        self._path = f"{tenant.path}/badges"
        seed = os.urandom(32)
        self.code = encode_badge(seed)
        self.secret = keys.secret_key(seed)
        self.public = keys.public_key(seed)
        self.id = hashing.badge_id(self.public)
        said = {"name": "Sue", "role": role, "public": self.public.hex()}
        good(owner.post(self._path, json=said))

    def revoke(self) -> None:
        """Take it back."""
        good(self._owner.post(f"{self._path}/{self.id.hex()}/revoke", json={}))


class Lookup:
    """A gate's copy of its event's list: parts by digest, as its store keeps them."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.held: dict[bytes, bytes] = {}
        self.head: SearchHead
        self.took: list[int] = []  # bytes of the parts that the last pull brought

    def pull(self) -> None:
        """Take the newest head and the parts that are not here yet."""
        raw = self.gate.of_list("search").content
        self.head = open_search_head(raw, self.gate.trusted, self.gate.now())
        assert self.head.event == self.gate.ref.hex()
        self.took = []
        wanted = lacking(self.head, self.held.get)
        for start in range(0, len(wanted), AT_ONCE):
            self.take(wanted[start : start + AT_ONCE])

    def take(self, places: list[int]) -> None:
        """Take some parts, each checked."""
        answer = self.gate.of_list(f"search/parts?want={','.join(map(str, places))}")
        assert answer.status_code == 200, answer.text
        for place, part in zip(places, unframed(answer.content, AT_ONCE), strict=True):
            self.held[check_part(self.head, place, part)] = part
            self.took.append(len(part))

    def words(self, badge: Badge) -> list[Words]:
        """Return what each part says."""
        series = open_series(self.head, badge.secret)
        parts = [self.held[bytes.fromhex(digest)] for digest in self.head.parts]
        return [open_part(series, place, part) for place, part in enumerate(parts)]

    def read(self, badge: Badge) -> dict[bytes, Entry]:
        """Return the whole list, opened with a badge."""
        return joined(self.words(badge))
