"""A font in a PDF: a composite one whose codes are the font's own glyph numbers (ISO 32000-1, 9.7).

Only the glyphs that a document shows are in its file; which letters they are stands beside them,
so that a ticket can be searched, copied from and read aloud.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from cloud.tickets.pdf import Objects, array, ref
from cloud.tickets.truetype import Face

SYMBOLIC: Final = 4  # glyphs are named by their numbers, not by an alphabet
SYSTEM: Final = "<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
MOST: Final = 100  # entries of a block in a CMap
CMAP: Final = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo <</Registry(Adobe)/Ordering(UCS)/Supplement 0>> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{blocks}endcmap
CMapName currentdict /CMap defineresource pop
end
end"""


def embed(objects: Objects, face: Face, shown: Mapping[int, str]) -> int:
    """Add a font with the glyphs that are shown, each with its letter; return its number."""
    name = f"{_tag(shown)}+{face.name}"
    cid = objects.add(
        f"<</Type/Font/Subtype/CIDFontType2/BaseFont/{name}/CIDSystemInfo {SYSTEM}"
        f"/CIDToGIDMap/Identity/FontDescriptor {ref(_described(objects, face, name, shown))}"
        f"/W {array(f'{glyph}[{face.widths[glyph]}]' for glyph in sorted(shown))}>>"
    )
    letters = objects.stream(CMAP.format(blocks=_blocks(shown)).encode("ascii"))
    return objects.add(
        f"<</Type/Font/Subtype/Type0/BaseFont/{name}/Encoding/Identity-H"
        f"/DescendantFonts[{ref(cid)}]/ToUnicode {ref(letters)}>>"
    )


def _described(objects: Objects, face: Face, name: str, shown: Mapping[int, str]) -> int:
    cut = face.cut(shown)
    file = objects.stream(cut, f"/Length1 {len(cut)}")
    return objects.add(
        f"<</Type/FontDescriptor/FontName/{name}/Flags {SYMBOLIC}/ItalicAngle 0"
        f"/FontBBox {array(map(str, face.box))}/Ascent {face.ascent}/Descent {face.descent}"
        f"/CapHeight {face.ascent}/StemV {face.stem}/FontFile2 {ref(file)}>>"
    )


def _tag(shown: Mapping[int, str]) -> str:
    """Return six letters that name this choice of glyphs (ISO 32000-1, 9.6.4)."""
    number, tag = sum(glyph * glyph for glyph in shown), ""
    for _ in range(6):
        number, digit = divmod(number, 26)
        tag += chr(ord("A") + digit)
    return tag


def _blocks(shown: Mapping[int, str]) -> str:
    lines = [
        f"<{glyph:04X}> <{letter.encode('utf-16-be').hex().upper()}>\n"
        for glyph, letter in sorted(shown.items())
    ]
    return "".join(map(_block, (lines[at : at + MOST] for at in range(0, len(lines), MOST))))


def _block(lines: Sequence[str]) -> str:
    return f"{len(lines)} beginbfchar\n{''.join(lines)}endbfchar\n"
