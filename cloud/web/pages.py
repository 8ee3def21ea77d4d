"""What the pages say. Words that vary are escaped; nothing in a page is a script."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from cloud.http.catalogue import CATALOGUE, Entry

TEMPLATES: Final = Path(__file__).with_name("templates")
PAGE, INDEX, DOCS, PROBLEM, PROBLEMS = (
    Template((TEMPLATES / f"{name}.html").read_text())
    for name in ("page", "index", "docs", "problem", "problems")
)
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:;"  # Swagger UI's stylesheet has its icons inside
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
MEANING: Final[Mapping[int, str]] = {
    400: "The request has to be different.",
    401: "The request needs valid credentials.",
    403: "The caller may not do this, whoever else may.",
    404: "There is nothing at this address, or nothing for this caller.",
    409: "As things stand it can't be done; later, or done otherwise, it may.",
    429: "Wait as long as Retry-After says, then send it again.",
    500: "It is our fault. Send it again with the same idempotency key.",
    502: "Another service, which we asked, refused.",
    503: "Wait as long as Retry-After says, then send it again.",
}


def index(base: str, version: str) -> str:
    """Return the first page."""
    return framed(base, "Usher", INDEX.substitute(version=escape(version)))


def docs(base: str) -> str:
    """Return the page that reads the description aloud."""
    head = (
        f'<link rel="stylesheet" href="{base}/vendor/swagger-ui/swagger-ui.css">'
        f'<link rel="stylesheet" href="{base}/docs.css">'
        f'<script defer src="{base}/vendor/swagger-ui/swagger-ui-bundle.js"></script>'
        f'<script defer src="{base}/docs.js"></script>'
    )
    return framed(base, "Usher's API", DOCS.substitute(), head)


def problem(base: str, code: str, entry: Entry) -> str:
    """Return the page of a refusal."""
    body = PROBLEM.substitute(
        code=escape(code),
        status=entry.status,
        sentence=escape(entry.sentence),
        meaning=escape(MEANING.get(entry.status, MEANING[400])),
    )
    return framed(base, f"{code}: refused", body)


def problems(base: str) -> str:
    """Return the list of all refusals."""
    rows = "".join(
        f'<li><a href="/problems/{escape(code)}"><code>{escape(code)}</code></a>'
        f' <span class="status">{entry.status}</span>'
        f"<p>{escape(entry.sentence)}</p></li>"
        for code, entry in sorted(CATALOGUE.items())
    )
    return framed(base, "Refusals", PROBLEMS.substitute(rows=rows))


def framed(base: str, title: str, body: str, head: str = "", lang: str = "en") -> str:
    """Return a page around its body, which is in a language."""
    return PAGE.substitute(base=base, title=escape(title), body=body, head=head, lang=lang)
