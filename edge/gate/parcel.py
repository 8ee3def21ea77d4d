"""Records and their blobs, packed as a log file of bounded size (spec/files.md)."""

from collections.abc import Iterator, Mapping
from typing import Final

from edge.gate.heard import runs, vouched
from shared.bundle import SECTION, FileKind, Part, Section, encode
from shared.devices.receipt import MAX_MARKS
from shared.keys import PUBLIC_SIZE
from shared.log.record import SIZE

FRAME: Final = 64  # bytes of a file's start and end, and more
OF_RECORD: Final = SIZE + SECTION.size  # each may be a batch of its own, where histories part
OF_DEVICE: Final = PUBLIC_SIZE + SECTION.size


class Parcel:
    """A file in the making. `most`: bytes, None for no bound. It has no more incarnations than
    a receipt has marks."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self.size = FRAME  # bytes at most
        self._records: dict[bytes, dict[bytes, None]] = {}  # by device
        self._keys: set[bytes] = set()  # device and incarnation
        self._blobs: dict[bytes, None] = {}

    def add(self, raw: bytes, blob: bytes | None) -> bool:
        """Add a record, unless it does not fit. A blob that fits into no file is left out: it is
        carried by hand."""
        if blob is not None and self._most is not None and len(blob) > self._most // 2:
            blob = None
        if raw in self._records.get(raw[4:20], ()):
            return True
        if raw[4:24] not in self._keys and len(self._keys) == MAX_MARKS:
            return False
        size = OF_RECORD + (OF_DEVICE if raw[4:20] not in self._records else 0)
        if blob is not None and blob not in self._blobs:
            size += SECTION.size + len(blob)
        if self._most is not None and self.size + size > self._most:
            return False
        self.size += size
        self._keys.add(raw[4:24])
        self._records.setdefault(raw[4:20], {})[raw] = None
        if blob is not None:
            self._blobs[blob] = None
        return True

    def sections(self, keys: Mapping[bytes, bytes]) -> Iterator[Section]:
        """Yield what is in it, of the devices whose public keys are given."""
        for device, raws in self._records.items():
            if device in keys:
                yield Section(Part.DEVICE, keys[device])
                for run in runs(raws):
                    for batch in vouched(run, keys[device]):
                        yield Section(Part.RECORDS, batch)
        for blob in self._blobs:
            yield Section(Part.BLOB, blob)

    def file(self, keys: Mapping[bytes, bytes]) -> bytes:
        """Return it as a file."""
        return b"".join(encode(FileKind.LOG, self.sections(keys)))
