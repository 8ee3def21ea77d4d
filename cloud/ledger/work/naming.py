"""How a ticket's asset is called, and where its metadata is. Pure; no personal data."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from cloud.ledger.bubblegum.metadata import NAME

SYMBOL: Final = "TICKET"
REF_SIZE: Final = 16
TYPES: Final = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
ENDINGS: Final = {media_type: ending for ending, media_type in TYPES.items()}
IMAGE: Final = re.compile(r"([0-9a-f]{64})\.(png|jpg|webp)")


def name_of(event: str, number: int) -> str:
    """Return an event's name, cut where it must be, and the ticket's number: 32 bytes at most."""
    tail = f" #{number}"
    room = NAME - len(tail)
    cut = event.encode()[:room].decode("utf-8", "ignore").rstrip()
    return f"{cut}{tail}"


def name_of_event(event: str) -> str:
    """Return an event's name as its collection's: 32 bytes at most."""
    return event.encode()[:NAME].decode("utf-8", "ignore").rstrip()


def told_as(ref: bytes) -> str:
    """Return how a ticket is named in public, from `asset.ref`."""
    return urlsafe_b64encode(ref).rstrip(b"=").decode()


def ref_of(told: str) -> bytes | None:
    """Return what was named, None if it can't be a name."""
    try:
        ref = urlsafe_b64decode(told + "==")
    except ValueError:
        return None
    return ref if len(ref) == REF_SIZE and told_as(ref) == told else None


def page_of(base: str, ref: bytes) -> str:
    """Return where anybody sees what can be proved of a ticket's asset."""
    return f"{base}/a/{told_as(ref)}"


def uri_of(base: str, ref: bytes, gen: int) -> str:
    """Return where the metadata of a ticket's generation is: for good."""
    return f"{page_of(base, ref)}/{gen}"


def collection_uri(base: str, tenant: UUID, event: UUID) -> str:
    """Return where the metadata of an event's collection is."""
    return f"{base}/a/events/{tenant}/{event}"


def image_path(tenant: UUID, event: UUID, image: bytes, media_type: str) -> str:
    """Return where a picture is, named by its hash: for good."""
    return f"/a/events/{tenant}/{event}/{image.hex()}.{ENDINGS[media_type]}"


def image_of(name: str) -> tuple[bytes, str] | None:
    """Return the hash and the type of a picture that is named so; None if it can't be a name."""
    found = IMAGE.fullmatch(name)
    return None if found is None else (bytes.fromhex(found[1]), TYPES[found[2]])


def shown_as(image: str) -> dict[str, Any]:
    """Return how metadata tells of a picture, by its address. Wallets want its type as well."""
    files = [{"uri": image, "type": TYPES[image.rpartition(".")[2]]}]
    return {"image": image, "properties": {"category": "image", "files": files}}


def text_of(
    base: str, event: str, venue: str, starts_at: str, ticket_class: str, image: str | None = None
) -> dict[str, Any]:
    """Return what metadata says of every ticket of a class, and where it is (*base*). *image*:
    the path of the picture that is shown."""
    told = {"event": event, "venue": venue, "starts_at": starts_at, "class": ticket_class}
    return {"base": base, **told, **({} if image is None else {"image": base + image})}


def metadata_of(text: Mapping[str, Any], ref: bytes, number: int, gen: int) -> dict[str, Any]:
    """Return a ticket's metadata. It is the same for ever, for a generation."""
    told = {"Event": text["event"], "Venue": text["venue"], "Starts": text["starts_at"],
            "Class": text["class"], "Number": number, "Generation": gen}  # fmt: skip
    return {
        "name": name_of(text["event"], number),
        "symbol": SYMBOL,
        "description": f"A ticket for {text['event']}. It is a copy of what the box office says, "
        "which alone decides who enters.",
        "external_url": page_of(text["base"], ref),
        "attributes": [{"trait_type": name, "value": value} for name, value in told.items()],
        **(shown_as(text["image"]) if "image" in text else {}),
    }
