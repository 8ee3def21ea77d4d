"""The collection's picture: judged by content, written anew, named by its hash, told for good."""

import random
import warnings
from hashlib import sha256
from io import BytesIO
from typing import Any, Final

import asyncpg
import httpx
import pytest
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from cloud.errors import Refusal
from cloud.ledger.web import picture_rows, pictures
from cloud.ledger.web.pictures import KINDS, LARGEST, Picture, remade
from tests.cloud.ledger.web.box import mint, page_of
from tests.cloud.service import Event, Person, Service, good, problem

WHERE: Final = "Ada's camera, 52.5 N 13.4 E"
FORMATS: Final = {kind.name: media_type for media_type, kind in KINDS.items()}


def drawn(size: tuple[int, int] = (96, 64), mode: str = "RGB", shade: int = 90) -> Image.Image:
    """Return a picture whose left half is dark."""
    image = Image.new(mode, size, 255 if len(mode) == 1 else (255,) * len(mode))
    image.paste(shade if len(mode) == 1 else (shade,) * 3 + (0,) * (mode == "RGBA"),
                (0, 0, size[0] // 2, size[1]))  # fmt: skip
    return image


def file(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    """Return it as a file."""
    made = BytesIO()
    image.save(made, kind, **more)
    return made.getvalue()


def shown(picture: Picture) -> Image.Image:
    """Open what was made."""
    return Image.open(BytesIO(picture.body))


def refused(body: bytes) -> str:
    """Return the code that a file is refused with."""
    with pytest.raises(Refusal) as refusal:
        remade(body)
    return refusal.value.code


@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_but_pixels_stays(kind: str) -> None:
    """No place, camera, comment, colour profile, nor what is behind the end; and it is upright."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Orientation] = WHERE, 6
    text = PngInfo()
    text.add_text("Comment", WHERE)
    also: dict[str, dict[str, Any]] = {"PNG": {"pnginfo": text}, "JPEG": {"comment": WHERE}}
    more = also.get(kind, {})
    sent = file(drawn(), kind, exif=exif, icc_profile=WHERE.encode(), **more)
    sent += b"" if kind == "WEBP" else WHERE.encode()  # libwebp minds what is behind
    assert sent.count(WHERE.encode()) >= 2
    made = remade(sent)
    assert (made.media_type, made.width, made.height) == (FORMATS[kind], 64, 96)
    assert made.digest == sha256(made.body).digest()
    assert WHERE.encode() not in made.body
    image = shown(made)
    assert (image.format, image.size) == (kind, (64, 96))
    assert not image.getexif()
    assert not image.info.keys() & {"exif", "icc_profile", "comment", "Comment", "xmp", "dpi"}
    top, bottom = (image.convert("L").getpixel((32, y)) for y in (8, 88))
    assert abs(int(str(top)) - 90) < 6
    assert int(str(bottom)) > 249


@pytest.mark.parametrize(
    ("mode", "kind", "kept"),
    [("L", "PNG", "RGB"), ("P", "PNG", "RGBA"), ("RGBA", "PNG", "RGBA"), ("RGBA", "WEBP", "RGBA"),
     ("CMYK", "JPEG", "RGB"), ("L", "JPEG", "RGB"), ("1", "PNG", "RGB")],
)  # fmt: skip
def test_every_kind_of_pixel_is_taken(mode: str, kind: str, kept: str) -> None:
    """Transparency stays where there is some."""
    assert shown(remade(file(drawn(mode="RGBA").convert(mode), kind))).mode == kept


def test_sixteen_bits_of_grey_are_not_cut_off() -> None:
    """Half of the light is half of it."""
    deep = Image.new("I;16", (64, 64), 0x8080)
    assert shown(remade(file(deep))).convert("L").getpixel((5, 5)) == 0x80


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "image_type"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image_type"),
        (file(drawn(), "GIF"), "image_type"),
        (file(drawn(), "BMP"), "image_type"),
        (b"\x89PNG\r\n\x1a\n", "image_damaged"),
        (b"\xff\xd8\xff\xe0", "image_damaged"),
        (b"RIFF\x04\x00\x00\x00WEBP", "image_damaged"),
        (file(drawn())[:-40], "image_damaged"),
        (file(drawn((63, 400))), "image_pixels"),
        (file(drawn((4097, 64), "1")), "image_pixels"),
        (file(drawn((4096, 2049), "1")), "image_pixels"),
        (file(drawn((40_000, 40_000), "1")), "image_pixels"),
    ],
    ids=range(12),
)  # fmt: skip
def test_others_are_refused(body: bytes, code: str) -> None:
    """By content, and by their size before a pixel is unpacked."""
    assert refused(body) == code


def test_what_grows_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is small by its palette alone."""
    image = Image.frombytes("P", (200, 200), random.Random(5).randbytes(40_000))
    image.putpalette(random.Random(6).randbytes(768))
    sent = file(image)
    monkeypatch.setattr(pictures, "MOST_KEPT", len(sent))
    assert refused(sent) == "image_large"


@pytest.mark.parametrize("kind", FORMATS)
def test_damage_is_a_refusal(kind: str) -> None:
    """Whatever bytes are changed or missing: it is taken or refused, and nothing else is raised."""
    noise, whole = random.Random(7), file(drawn(), kind, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")
    outcomes = set()
    for _ in range(400):
        end = noise.choice((len(whole), noise.randrange(12, len(whole))))
        body = bytearray(whole[:end])
        for _ in range(noise.randrange(4)):
            body[noise.randrange(len(body))] = noise.randrange(256)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of what it passes over
            try:
                outcomes.add(remade(bytes(body)).media_type)
            except Refusal as refusal:
                outcomes.add(refusal.code)
    assert outcomes >= {"image_damaged", FORMATS[kind]}


class Scene:
    """An event with a picture, of which a ticket is minted."""

    def __init__(self, service: Service) -> None:
        self.service, self.owner = service, service.person()
        self.event: Event = service.event(
            self.owner, service.tenant(self.owner), price=0, capacity=20
        )
        self.path = f"{self.event.path}/ledger/image"

    def put(self, body: bytes, kind: str = "image/png", who: Person | None = None) -> Any:
        """Upload."""
        return (who or self.owner).put(self.path, content=body, headers={"content-type": kind})

    def metadata(self, ticket: str) -> httpx.Response:
        """Return a ticket's metadata."""
        return self.service.client().get(f"{page_of(self.service, ticket)}/0")

    def collection(self) -> Any:
        """Return the collection's."""
        path = f"/a/events/{self.event.tenant.tenant_id}/{self.event.event_id}"
        return good(self.service.client().get(path))

    def bought(self) -> str:
        """Buy a ticket, and mint it."""
        ticket: str = self.service.buy(self.service.person(), self.event)["items"][0]["ticket_id"]
        mint(self.service, self.event)
        return ticket


@pytest.fixture(scope="module")
def scene(service: Service) -> Scene:
    """Not minted yet."""
    return Scene(service)


def test_a_picture_is_told_for_good(scene: Scene) -> None:
    """What is minted keeps its picture, or none; later ones, and the collection, have the new."""
    bare = scene.bought()
    assert "image" not in good(scene.metadata(bare))
    assert "image" not in scene.collection()
    first = good(scene.put(file(drawn())))["image"]
    with_first = scene.bought()
    told = scene.metadata(with_first)
    at = f"https://tickets.example{first}"
    assert good(told)["image"] == at
    assert good(told)["properties"]["files"] == [{"uri": at, "type": "image/png"}]
    assert scene.collection()["image"].endswith(first)
    second = good(scene.put(file(drawn(shade=10), "JPEG"), "image/jpeg"))["image"]
    assert second.endswith(".jpg")
    with_second = scene.bought()
    assert scene.metadata(with_first).content == told.content
    assert good(scene.metadata(with_second))["image"].endswith(second)
    assert scene.collection()["image"].endswith(second)
    assert good(scene.owner.delete(scene.path))["image"] is None
    assert "image" not in scene.collection()
    assert scene.metadata(with_second).json()["image"].endswith(second)
    page = scene.service.client().get(page_of(scene.service, with_first))
    assert f'src="{first}"' in page.text
    for path, kind in ((first, "image/png"), (second, "image/jpeg")):
        answer = scene.service.client().get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert sha256(answer.content).hexdigest() in path
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


def test_names_that_are_none_show_nothing(scene: Scene) -> None:
    """Another ending, another event's or organizer's, or no hash."""
    path = good(scene.put(file(drawn())))["image"]
    tenant, event = str(scene.event.tenant.tenant_id), str(scene.event.event_id)
    client = scene.service.client()
    assert client.get(path).status_code == 200
    for wrong in (
        path.replace(".png", ".jpg"), path.replace(".png", ""), path[:-9] + "0000.png",
        path.replace(event, tenant), path.replace(tenant, event),
    ):  # fmt: skip
        assert problem(client.get(wrong)) == (404, "not_found"), wrong


def test_uploads_are_refused_with_a_reason(scene: Scene) -> None:
    """By size, by type, by content; and nobody else's event takes one."""
    assert problem(scene.put(bytes(LARGEST + 1))) == (413, "body_too_large")
    assert problem(scene.put(file(drawn()), "image/gif")) == (415, "media_type")
    assert problem(scene.put(b"GIF89a")) == (415, "image_type")
    assert problem(scene.put(file(drawn())[:-40])) == (422, "image_damaged")
    assert problem(scene.put(file(drawn((32, 32))))) == (422, "image_pixels")
    assert problem(scene.put(file(drawn()), who=scene.service.person())) == (404, "not_found")


def test_an_event_has_so_many_pictures(scene: Scene) -> None:
    """None is ever removed; one that was there before may come back."""
    made = [file(drawn(shade=shade)) for shade in range(picture_rows.MOST)]
    answers = [scene.put(each) for each in made]
    assert [each.status_code for each in answers[:10]] == [200] * 10
    assert problem(answers[-1]) == (409, "images_too_many")
    assert scene.put(made[0]).status_code == 200


def test_a_picture_is_kept_as_it_is(scene: Scene) -> None:
    """The service may change and remove no row, and the database takes no name but the hash."""
    rights = scene.service.database.rows(
        "SELECT privilege_type AS it FROM information_schema.table_privileges"
        " WHERE grantee = 'usher_app' AND table_name = 'asset_image' ORDER BY 1"
    )
    assert [row["it"] for row in rights] == ["INSERT", "SELECT"]
    tenant, event = scene.event.tenant.tenant_id, scene.event.event_id
    with pytest.raises(asyncpg.CheckViolationError):
        scene.service.database.run(
            "INSERT INTO asset_image (tenant_id, event_id, image, media_type, width, height, body)"
            f" VALUES ('{tenant}', '{event}', sha256('a'), 'image/png', 64, 64, 'b')"
        )
