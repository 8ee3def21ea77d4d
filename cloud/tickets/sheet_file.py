"""Drawn pages as a PDF file, tagged so that it can be read aloud (ISO 32000-1, 14.7 and 14.8)."""

from collections.abc import Sequence
from typing import Final

from cloud.tickets import pdf_font
from cloud.tickets.pdf import Objects, array, date, ref, text
from cloud.tickets.sheet_board import MM, Board, Page

MAKER: Final = "Usher"


def file(board: Board, *, language: str, title: str, made_at: int) -> bytes:
    """Return the file. `made_at` is in unix seconds."""
    objects = Objects()
    root, pages, tree, document = (objects.reserve() for _ in range(4))
    fonts = "".join(
        f"/{font.name} {ref(pdf_font.embed(objects, font.face, font.shown))}"
        for font in board.fonts
        if font.shown
    )
    box = f"/MediaBox[0 0 {board.w * MM:.2f} {board.h * MM:.2f}]/Resources<</Font<<{fonts}>>>>"
    made = [_page(objects, pages, page, number) for number, page in enumerate(board.pages)]
    told = [_tags(objects, document, *each) for each in zip(made, board.pages, strict=True)]
    _number(objects, pages, made, box)
    _structure(objects, tree, document, told)
    objects.put(
        root,
        f"<</Type/Catalog/Pages {ref(pages)}/Lang{text(language)}/MarkInfo<</Marked true>>"
        f"/ViewerPreferences<</DisplayDocTitle true>>/StructTreeRoot {ref(tree)}>>",
    )
    info = objects.add(
        f"<</Title{text(title)}/Creator({MAKER})/Producer({MAKER})/CreationDate{date(made_at)}>>"
    )
    return objects.file(root=root, info=info)


def _page(objects: Objects, pages: int, page: Page, number: int) -> int:
    content = objects.stream("\n".join(page.drawn).encode("ascii"))
    return objects.add(
        f"<</Type/Page/Parent {ref(pages)}/Contents {ref(content)}/StructParents {number}/Tabs/S>>"
    )


def _number(objects: Objects, pages: int, made: Sequence[int], shared: str) -> None:
    objects.put(pages, f"<</Type/Pages/Count {len(made)}/Kids{array(map(ref, made))}{shared}>>")


def _tags(objects: Objects, document: int, number: int, page: Page) -> Sequence[int]:
    """Add what is tagged on a page; return the elements' numbers."""
    return [
        objects.add(
            f"<</Type/StructElem/S/{tag.kind}/P {ref(document)}/Pg {ref(number)}/K[{place}]"
            f"{f'/Alt{text(tag.alt)}' if tag.alt else ''}>>"
        )
        for place, tag in enumerate(page.tags)
    ]


def _structure(objects: Objects, tree: int, document: int, told: Sequence[Sequence[int]]) -> None:
    """Say what the document consists of, and which element each tagged part of a page is."""
    parents = array(f"{number} {array(map(ref, page))}" for number, page in enumerate(told))
    whole = array(ref(each) for page in told for each in page)
    objects.put(tree, f"<</Type/StructTreeRoot/K {ref(document)}/ParentTree<</Nums{parents}>>>>")
    objects.put(document, f"<</Type/StructElem/S/Document/P {ref(tree)}/K{whole}>>")
