"""The demo's page, whole: one document that asks for nothing but this demo's own addresses."""

from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
TOKENS: Final = HERE.parent / "shared" / "design" / "tokens.css"


def page() -> bytes:
    """Return the document, with the look of every page in it."""
    text = (HERE / "page.html").read_text("utf-8")
    return text.replace("/* tokens */", TOKENS.read_text("utf-8")).encode()
