"""A font cut to a few glyphs, as a reader of fonts sees it."""

import io

import pytest
from fontTools.pens.recordingPen import DecomposingRecordingPen  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.tickets.sheet_fonts import FONTS, PLAIN, faces
from cloud.tickets.truetype import Face


@pytest.fixture(scope="module")
def face() -> Face:
    """Return a font."""
    return faces(FONTS).plain


@pytest.fixture(scope="module")
def whole() -> TTFont:
    """Return the same font, with all that it has."""
    return TTFont(FONTS / PLAIN)


def opened(content: bytes) -> TTFont:
    """Return a font whose checksums are right."""
    return TTFont(io.BytesIO(content), checkChecksums=2)


def drawn(font: TTFont, glyph: int) -> object:
    """Return a glyph's lines and curves."""
    names = font.getGlyphSet()
    pen = DecomposingRecordingPen(names)
    names[font.getGlyphName(glyph)].draw(pen)
    return pen.value


@settings(max_examples=settings().max_examples // 10)
@given(st.sets(st.sampled_from("AgÄéßŁ€…\ufffd\u05d0\ufefc 1"), min_size=1))
def test_a_cut_font_draws_the_same(face: Face, whole: TTFont, letters: set[str]) -> None:
    """Outlines, composed ones too, and widths are the whole font's, under the same numbers."""
    glyphs = sorted(face.glyphs[letter] for letter in letters)
    cut = opened(face.cut(glyphs))
    for glyph in glyphs:
        assert drawn(cut, glyph) == drawn(whole, glyph)
        metrics = [font["hmtx"].metrics[font.getGlyphName(glyph)] for font in (cut, whole)]
        assert metrics[0] == metrics[1]


def test_a_cut_font_has_no_more_than_was_asked(face: Face) -> None:
    """What nobody asked for has no outline, and nothing is left of the hints."""
    cut = opened(face.cut([face.glyphs["A"], face.glyphs["é"]]))
    glyphs = (cut["glyf"][name] for name in cut.getGlyphOrder())
    full = {number for number, glyph in enumerate(glyphs) if glyph.numberOfContours}
    assert {0, face.glyphs["A"], face.glyphs["é"]} < full
    assert len(full) <= 5  # those three, and what is composed to an é
    assert set(cut.keys()) == {"GlyphOrder", "head", "hhea", "maxp", "hmtx", "loca", "glyf"}
