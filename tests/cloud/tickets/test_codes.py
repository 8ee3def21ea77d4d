"""Codes as pictures, each read back by the decoder that gates use."""

import io
import re
from hashlib import shake_256
from xml.etree import ElementTree

import numpy as np
import pytest
import qrcode.util
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cloud.tickets import qr
from cloud.tickets.codes import (
    NOT_XML,
    PAPER,
    QUIET,
    SCREEN,
    Code,
    Levels,
    M,
    Q,
    draw,
    png,
    runs,
    svg,
)
from shared import token
from shared.errors import Malformed
from tests.cloud.tickets import samples
from tests.cloud.tickets.samples import Read

SVG = "{http://www.w3.org/2000/svg}"
RUN = re.compile(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z")


def drawn(picture: bytes) -> np.ndarray:
    """Return an SVG's modules as pixels, by the path in it."""
    root = ElementTree.fromstring(picture)  # noqa: S314, our own
    side = int(root.attrib["viewBox"].split()[-1])
    pixels = np.full((side, side), 255, np.uint8)
    path = root.find(f"{SVG}path")
    assert path is not None
    runs = RUN.findall(path.attrib["d"])
    assert "".join(f"M{x} {y}h{n}v1h-{back}z" for x, y, n, back in runs) == path.attrib["d"]
    for x, y, length, back in (map(int, run) for run in runs):
        assert back == length
        pixels[y, x : x + length] = 0
    return pixels


@pytest.mark.parametrize(
    ("text", "levels", "level", "version"),
    [
        (samples.STATIC, SCREEN, "M", 7),
        (samples.BOUND, SCREEN, "M", 8),
        (samples.LIVE, SCREEN, "M", 8),
        (samples.PRESENTED, SCREEN, "M", 10),
        (samples.STATIC, PAPER, "Q", 8),
        (samples.BOUND, PAPER, "Q", 10),
        (samples.PRESENTED, PAPER, "M", 10),
    ],
)
def test_a_code_has_the_size_that_the_protocol_states(
    text: str, levels: Levels, level: str, version: int
) -> None:
    """PNG and SVG decode to the text, at its level and version (shared/spec/token.md §2)."""
    code = draw(text, levels)
    expected = [Read(text, level, version)]
    assert samples.read(Image.open(io.BytesIO(png(code, 4)))) == expected
    assert samples.read(np.kron(drawn(svg(code, "")), np.ones((3, 3), np.uint8))) == expected


@settings(max_examples=settings().max_examples // 4)  # each costs 60 ms
@given(st.binary(), st.sampled_from([SCREEN, PAPER]))
def test_any_ticket_is_read_back(seed: bytes, levels: Levels) -> None:
    """Whatever ids and signature a ticket has, its code says them, and none needs a larger one."""
    text = token.encode_text(bytes((token.STATIC, 0)) + shake_256(seed).digest(100))
    (found,) = samples.read(Image.open(io.BytesIO(png(draw(text, levels), 4))))
    assert found == Read(text, *(("M", 7) if levels == SCREEN else ("Q", 8)))


ALPHANUMERIC = st.text(qrcode.util.ALPHA_NUM.decode(), max_size=250)


@settings(max_examples=settings().max_examples // 5)
@given(ALPHANUMERIC, st.sampled_from([M, Q]))
def test_a_code_is_the_one_that_another_maker_draws(text: str, level: int) -> None:
    """qrcode, which goes module by module, draws the same, in the same version and mask."""
    made = qrcode.QRCode(error_correction=level, border=0)
    made.add_data(qrcode.util.QRData(text, mode=qrcode.util.MODE_ALPHA_NUM))
    try:
        made.make()
    except ValueError:  # its issue 330: a block of zeros alone
        return
    rows = ["".join("01"[bool(module)] for module in row) for row in made.modules]
    assert qr.version_for(text, level) == made.version
    assert qr.modules(text, made.version, level) == rows


def test_a_ticket_of_zeros_has_a_code() -> None:
    """Nobody has one, but no text may break the page that it is on."""
    text = token.encode_text(bytes((token.STATIC, 0)) + bytes(100))
    assert samples.read(Image.open(io.BytesIO(png(draw(text, PAPER), 4))))[0].text == text


def test_a_text_without_room_is_refused() -> None:
    """No version has room for it."""
    with pytest.raises(ValueError, match=r"^the text is too long for a code$"):
        qr.version_for("A" * 5000, M)


def test_a_run_of_digits_stays_alphanumeric() -> None:
    """A ticket that reads 1231231… is as large as any other: no part of it has another mode."""
    text = token.encode_text(b"\x11\x00" + b"\x18\x16" * 50)
    assert "123" * 50 in text
    assert draw(text, SCREEN).side == draw(samples.STATIC, SCREEN).side == 45 + 2 * QUIET


@pytest.mark.parametrize("levels", [SCREEN, PAPER])
def test_the_quiet_zone_is_four_modules(levels: Levels) -> None:
    """Nothing is dark in the four modules around, and the finder begins right behind them."""
    pixels = drawn(svg(draw(samples.STATIC, levels), ""))
    inner = pixels[4:-4, 4:-4]
    assert (pixels == 0).sum() == (inner == 0).sum()
    assert not inner[0, :7].any()
    assert not inner[:7, 0].any()


def test_a_png_is_black_and_white_in_whole_modules() -> None:
    """It has one bit a pixel, and each module is a square of equal pixels."""
    code = draw(samples.STATIC, SCREEN)
    picture = Image.open(io.BytesIO(png(code, 5)))
    assert (picture.format, picture.mode) == ("PNG", "1")
    assert picture.size == (53 * 5, 53 * 5)
    pixels = np.asarray(picture)
    assert (pixels == np.kron(~np.array(code.rows), np.ones((5, 5), bool))).all()


@pytest.mark.parametrize("module", [-1, 0, 65])
def test_a_module_without_a_size_is_refused(module: int) -> None:
    """No caller makes an empty picture, or one that fills the memory."""
    with pytest.raises(ValueError, match=r"^a module has 1 to 64 pixels$"):
        png(draw(samples.STATIC, SCREEN), module)


def test_an_svg_is_one_path_that_is_read_aloud() -> None:
    """It scales by its viewBox, draws crisp edges, and says what it is."""
    root = ElementTree.fromstring(svg(draw(samples.STATIC, SCREEN), "Ticket 3"))  # noqa: S314
    assert [child.tag.removeprefix(SVG) for child in root] == ["title", "rect", "path"]
    assert root[0].text == "Ticket 3"
    assert root.attrib == {"viewBox": "0 0 53 53", "role": "img", "shape-rendering": "crispEdges"}


@given(st.text(st.characters(codec=None)) | st.text("<>&\"'/]!-[\x00\x1f\ufffe"))
def test_a_title_stays_a_title(title: str) -> None:
    """No title ends its element, adds another or makes the document unreadable."""
    root = ElementTree.fromstring(svg(Code(("1",)), title))  # noqa: S314
    assert [child.tag.removeprefix(SVG) for child in root] == ["title", "rect", "path"]
    said = NOT_XML.sub("\ufffd", title).replace("\r\n", "\n").replace("\r", "\n")
    assert (root[0].text or "") == said  # XML reads every line end as one


def test_the_same_text_gives_the_same_bytes() -> None:
    """Pictures can be cached and compared by their bytes."""
    first, second = (draw(samples.BOUND, PAPER) for _ in range(2))
    assert (svg(first, "a"), png(first)) == (svg(second, "a"), png(second))


def test_runs_cover_each_dark_module_once() -> None:
    """The runs of a code are its dark modules, none twice."""
    code = draw(samples.STATIC, PAPER)
    covered = [(x + i, y) for x, y, length in runs(code) for i in range(length)]
    dark = {(x, y) for y, row in enumerate(code.rows) for x, each in enumerate(row) if each}
    assert len(covered) == len(set(covered))
    assert set(covered) == dark


@pytest.mark.parametrize("text", ["", "https://example.org", samples.STATIC.lower(), "U1:00."])
def test_nothing_but_a_ticket_becomes_a_code(text: str) -> None:
    """A text that no gate would read is refused before it is drawn."""
    with pytest.raises(Malformed):
        draw(text, SCREEN)
