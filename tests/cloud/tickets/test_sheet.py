"""Printed tickets: each document is rasterised by PDFium and read as a gate reads paper."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ctypes import c_ushort
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from pypdfium2 import raw

from cloud.tickets import sheet_page
from cloud.tickets.sheet import A4, LETTER, FontMissing, Printed, Size, sheet
from tests.cloud.tickets import samples
from tests.cloud.tickets.samples import Read, printed

MADE_AT = 1_800_000_000
INCH = 25.4
SIZES = pytest.mark.parametrize("size", [A4, LETTER])


def document(*tickets: Printed, size: Size = A4, language: str = "en") -> pypdfium2.PdfDocument:
    """Return tickets as a document that is open in PDFium."""
    made = sheet(tickets, language=language, made_at=MADE_AT, size=size)
    return pypdfium2.PdfDocument(made)


def raster(page: pypdfium2.PdfPage, dpi: int) -> Image.Image:
    """Return a page as a printer or scanner of this resolution makes it, in grey."""
    picture: Image.Image = page.render(scale=dpi / 72, grayscale=True).to_pil()
    return picture


def said(page: pypdfium2.PdfPage) -> str:
    """Return the words of a page."""
    text: str = page.get_textpage().get_text_range()
    return " ".join(text.split())


def tags(page: pypdfium2.PdfPage) -> list[tuple[str, str]]:
    """Return the kind and the alternative text of what a screen reader finds, in order."""
    tree = raw.FPDF_StructTree_GetForPage(page)
    try:
        document = raw.FPDF_StructTree_GetChildAtIndex(tree, 0)
        return list(_children(document))
    finally:
        raw.FPDF_StructTree_Close(tree)


def _children(element: Any) -> Iterator[tuple[str, str]]:
    for index in range(raw.FPDF_StructElement_CountChildren(element)):
        child = raw.FPDF_StructElement_GetChildAtIndex(element, index)
        if child:
            kind = _string(raw.FPDF_StructElement_GetType, child)
            yield kind, _string(raw.FPDF_StructElement_GetAltText, child)


def _string(get: Any, element: Any) -> str:
    size = get(element, None, 0)
    buffer = (c_ushort * (size // 2))()
    get(element, buffer, size)
    return bytes(buffer).decode("utf-16-le").rstrip("\0")


@SIZES
@pytest.mark.parametrize(("text", "version"), [(samples.STATIC, 8), (samples.BOUND, 10)])
def test_a_poor_print_is_read(text: str, version: int, size: Size) -> None:
    """At 150 dpi, grey and out of focus, the code is the ticket at level Q (token.md §2)."""
    (page,) = document(printed(code=text), size=size)
    picture = raster(page, 150).filter(ImageFilter.GaussianBlur(2))
    assert samples.read(picture) == [Read(text, "Q", version)]


@SIZES
@pytest.mark.parametrize(("text", "modules"), [(samples.STATIC, 49), (samples.BOUND, 57)])
def test_a_module_is_more_than_a_millimetre(text: str, modules: int, size: Size) -> None:
    """The code has its stated width on paper, and four light modules on all sides."""
    dpi = 200
    (page,) = document(printed(code=text), size=size)
    pixels = np.asarray(raster(page, dpi))
    x, y, side = _box(size, dpi)
    module = side / modules
    assert module * INCH / dpi == pytest.approx(sheet_page.CODE / modules, rel=0.01)
    assert module * INCH / dpi > 1
    inside = pixels[y + 1 : y + side - 1, x + 1 : x + side - 1] < 128
    assert inside.any(axis=0).all()  # dark up to its edges: the box is the code's
    assert inside.any(axis=1).all()
    quiet = int(4 * module)
    around = pixels[y - quiet : y + side + quiet, x - quiet : x + side + quiet].copy()
    around[quiet - 1 : quiet + side + 1, quiet - 1 : quiet + side + 1] = 255
    assert (around == 255).all()


def _box(size: Size, dpi: int) -> tuple[int, int, int]:
    """Return where the code is, and its side, in pixels."""
    left = size[0] - sheet_page.MARGIN - sheet_page.CODE
    pixels = [round(mm * dpi / INCH) for mm in (left, sheet_page.TOP, sheet_page.CODE)]
    return pixels[0], pixels[1], pixels[2]


def test_an_order_is_one_document() -> None:
    """Each ticket has a page, in order, with its own code and its number."""
    pages = document(printed(), printed(code=samples.BOUND), printed(attendee="Ana"))
    codes = [samples.read(raster(page, 150))[0].text for page in pages]
    assert codes == [samples.STATIC, samples.BOUND, samples.STATIC]
    assert [f"Ticket {n} of 3" in said(page) for n, page in enumerate(pages, 1)] == [True] * 3
    assert "Ana" in said(pages[2])


@pytest.mark.parametrize("text", [samples.LIVE, samples.PRESENTED])
def test_no_code_is_printed_that_a_gate_refuses(text: str) -> None:
    """A live ticket's page has no code, and says where to open it."""
    (page,) = document(printed(code=text))
    assert samples.read(raster(page, 150)) == []
    assert "Not valid on paper Open the live ticket in the wallet" in said(page)
    assert "Hold this to the reader" not in said(page)
    assert "Figure" not in dict(tags(page))


def test_a_page_says_all_that_is_known() -> None:
    """Every text of the ticket is on its page, as text that can be searched."""
    (page,) = document(printed())
    words = said(page)
    for text in (
        *("Noche de Verano", "Teatro Circo Price", "Ronda de Atocha 35, Madrid"),
        *("Standing, front", "One entry. Under 16 with an adult.", "Row 12 · Seat 7"),
        *("María-José Núñez", "Order 4F7K-2210", "€45.00, fees included"),
    ):
        assert text in words
    assert "Ticket 1" not in words


def test_what_a_ticket_lacks_has_no_label() -> None:
    """A ticket without seat, name, price or doors does not show empty fields."""
    (page,) = document(printed(place="", seat="", attendee="", price="", doors_at=None))
    assert not {"Seat", "Name", "Price", "Doors"} & set(said(page).split())
    assert "Starts 20:30" in said(page)


@pytest.mark.parametrize(
    ("zone", "at", "day", "hours", "named"),
    [
        ("Europe/Madrid", 1_814_898_600, "Tuesday, 6 July 2027", "20:30", "(UTC+02:00)"),
        ("Europe/Madrid", 1_830_297_600, "Saturday, 1 January 2028", "01:00", "(UTC+01:00)"),
        ("America/St_Johns", 1_830_297_600, "Friday, 31 December 2027", "20:30", "(UTC-03:30)"),
        ("Asia/Kathmandu", 1_814_898_600, "Wednesday, 7 July 2027", "00:15", "(UTC+05:45)"),
    ],
)
def test_times_are_the_events_own(zone: str, at: int, day: str, hours: str, named: str) -> None:
    """Day and hour are those of the clocks at the event, and the page says whose they are."""
    (page,) = document(printed(timezone=zone, starts_at=at, doors_at=None))
    assert f"{day} Starts {hours} Local time: {zone} {named}" in said(page)


@pytest.mark.parametrize(
    ("language", "day", "gate"),
    [
        ("en", "Saturday, 1 May 2027", "At the gate"),
        ("es", "Sábado, 1 de mayo de 2027", "En el acceso"),
        ("fr", "Samedi 1er mai 2027", "À l'accès"),
        ("de", "Samstag, 1. Mai 2027", "Am Einlass"),
    ],
)
def test_a_page_speaks_its_readers_language(language: str, day: str, gate: str) -> None:
    """Dates and sentences are in the language asked for, and the document says which."""
    made = document(printed(starts_at=1_809_190_800), language=language)
    assert day in said(made[0])
    assert gate in said(made[0])
    assert _string(raw.FPDFCatalog_GetLanguage, made) == language


@pytest.mark.parametrize("language", ["en", "es", "fr", "de"])
@SIZES
def test_no_sentence_of_ours_is_cut(language: str, size: Size) -> None:
    """Every translation has room in its place."""
    for page in document(printed(), printed(code=samples.LIVE), language=language, size=size):
        assert "\u2026" not in said(page)


def test_a_screen_reader_finds_its_way() -> None:
    """The document has a title, headings, and words for the code, in reading order."""
    made = document(printed())
    assert made.get_metadata_dict()["Title"] == "Noche de Verano: tickets of the order 4F7K-2210"
    found = tags(made[0])
    kinds = [kind for kind, _ in found]
    assert [kind for kind in kinds if kind != "P"] == ["H1", "Figure", "H2"]
    assert dict(found)["Figure"] == "The ticket's QR code, for the reader at the gate"
    assert kinds.index("H1") < kinds.index("Figure") < kinds.index("H2")


def test_what_glyphs_do_not_say_is_said_aloud() -> None:
    """A name set from right to left, or that the font lacks, is told as it was written."""
    hebrew, chinese = "\u05d3\u05d5\u05d3 \u05db\u05d4\u05df", "\u5f20\u4f1f"
    (page,) = document(printed(attendee=hebrew, seat=chinese))
    told = [alt for _, alt in tags(page)]
    assert hebrew in told
    assert chinese in told


def test_what_the_font_lacks_is_seen_to_be_missing(caplog: pytest.LogCaptureFixture) -> None:
    """A Chinese name prints as replacements, and nothing is logged that would name a guest."""
    with caplog.at_level(logging.DEBUG, logger="fpdf"):
        (page,) = document(printed(attendee="\u5f20\u4f1f X"))
    assert "\ufffd\ufffd X" in said(page)
    assert not [each for each in caplog.records if "missing" in each.getMessage()]


def test_the_same_order_gives_the_same_bytes() -> None:
    """Another process at another time makes the same document; another `made_at` does not."""
    program = f"""
import sys
from cloud.tickets.sheet import sheet
from tests.cloud.tickets.samples import printed
sys.stdout.buffer.write(sheet([printed()], language="en", made_at={MADE_AT}))
"""
    other = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert sheet([printed()], language="en", made_at=MADE_AT) == other.stdout
    assert sheet([printed()], language="en", made_at=MADE_AT + 1) != other.stdout


HARD = st.sampled_from(
    [
        "W" * 400,
        "Wide words " * 40,
        "\u202eevil\u202c",
        "\u05d0" * 300,
        "\u0645\u062d\u0645\u062f (\u0644\u0627) 12 " * 20,
        "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d" * 60,
        "\U0001f469\u200d\U0001f469\u200d\U0001f467",
        "\u1e82" * 200,
        "(\\) Tj ET Q endstream",
    ]
)
TEXT = st.text(st.characters(codec=None), max_size=120) | HARD


@settings(max_examples=settings().max_examples // 10)  # each costs half a second
@given(st.lists(TEXT, min_size=9, max_size=9), st.sampled_from([A4, LETTER]))
def test_no_name_breaks_the_page(texts: list[str], size: Size) -> None:
    """Whatever strangers write, the code is read and nothing leaves the room it has."""
    names = ("event", "place", "address", "ticket_class", "class_text", "seat", "attendee")
    fields = dict(zip((*names, "order", "price"), texts, strict=True))
    (page,) = document(printed(**fields), size=size)
    assert samples.read(raster(page, 150)) == [Read(samples.STATIC, "Q", 8)]
    dark = np.asarray(raster(page, 100)) < 200
    for left, top, right, bottom in _empty(size):
        box = [round(mm * 100 / INCH) for mm in (left, top, right, bottom)]
        assert not dark[box[1] : box[3], box[0] : box[2]].any(), (left, top, right, bottom)


def _empty(size: Size) -> list[tuple[float, float, float, float]]:
    """Return the areas of a page that nothing is printed in: left, top, right, bottom."""
    width, height = size
    margin, code = sheet_page.MARGIN - 1, sheet_page.CODE
    fold, column = height / 2, width - sheet_page.MARGIN - code
    return [
        (0, 0, width, margin),
        (0, 0, margin, fold - 1),
        (width - margin, 0, width, fold - 1),
        (0, fold - 3, width, fold - 1),
        (column - 5, sheet_page.TOP - 3, column - 1, fold - sheet_page.FACTS - 1),
        (0, fold - sheet_page.FACTS - 3, width, fold - sheet_page.FACTS - 1),
        (column - 5, fold + 2, column - 1, height),
        (0, height - margin, width, height),
    ]


def test_documents_made_at_once_do_not_touch_each_other() -> None:
    """Their fonts are read once: each gives the bytes that it gives alone, whatever runs beside."""
    languages = ["en", "de", "fr", "es"] * 4
    names = [f"Żółć {number} \U0001f3ab" for number in range(len(languages))]

    def made(name: str, language: str) -> bytes:
        return sheet([printed(event=name)], language=language, made_at=MADE_AT)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # as often as can be
    try:
        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(made, names, languages))
    finally:
        sys.setswitchinterval(interval)
    assert together == [made(*each) for each in zip(names, languages, strict=True)]


def test_without_its_fonts_nothing_is_printed(tmp_path: Path) -> None:
    """A checkout without them says what fetches them, rather than print letters that lack."""
    with pytest.raises(FontMissing, match="scripts/frontend"):
        sheet([printed()], language="en", made_at=MADE_AT, fonts=tmp_path)


def test_a_document_of_no_tickets_is_refused() -> None:
    """An empty order is a caller's mistake, not an empty document."""
    with pytest.raises(ValueError, match="at least one ticket"):
        sheet([], language="en", made_at=MADE_AT)
