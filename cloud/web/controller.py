"""The pages over HTTP. They ask for no credentials and touch no database."""

from typing import Annotated, Any, Final

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from cloud.errors import Refusal
from cloud.http.catalogue import CATALOGUE
from cloud.http.health import HIDDEN
from cloud.web import pages, spending
from cloud.web.files import Files

FOR_EVER: Final = "public, max-age=31536000, immutable"
Asked = Request[Any, Any, Any]
Html = Response[str]


@get("/", opt=HIDDEN, include_in_schema=False, sync_to_thread=False)
def index(page_files: NamedDependency[Files], page_release: NamedDependency[str]) -> Html:
    """Show where everything is."""
    return _html(pages.index(page_files.base, page_release))


@get("/docs", opt=HIDDEN, include_in_schema=False, sync_to_thread=False)
def docs(page_files: NamedDependency[Files]) -> Html:
    """Show the API."""
    return _html(pages.docs(page_files.base))


@get("/ledger", opt=HIDDEN, include_in_schema=False, sync_to_thread=False)
def ledger(
    request: Asked,
    page_files: NamedDependency[Files],
    lang: Annotated[str | None, QueryParameter(max_length=8)] = None,
) -> Html:
    """Show what events have spent on the ledger, to whoever signs in on the page."""
    spoken = spending.language(lang, request.headers.get("accept-language", ""))
    return _html(spending.page(page_files.base, spoken), {"vary": "accept-language"})


@get("/problems", opt=HIDDEN, include_in_schema=False, sync_to_thread=False)
def problems(page_files: NamedDependency[Files]) -> Html:
    """Show every refusal."""
    return _html(pages.problems(page_files.base))


@get("/problems/{code:str}", opt=HIDDEN, include_in_schema=False, sync_to_thread=False)
def problem(
    request: Asked, code: FromPath[str], page_files: NamedDependency[Files]
) -> Response[Any]:
    """Explain a refusal, as a page or as JSON."""
    if (entry := CATALOGUE.get(code)) is None:
        raise Refusal("not_found")
    if request.accept.best_match(["application/json", "text/html"]) == "text/html":
        return _html(pages.problem(page_files.base, code, entry), {"vary": "accept"})
    said = {"type": f"/problems/{code}", "title": entry.sentence, "status": entry.status}
    return Response({**said, "code": code}, headers={"vary": "accept"})


@get("/static/{path:path}", opt=HIDDEN, include_in_schema=False, sync_to_thread=False)
def static(request: Asked, page_files: NamedDependency[Files]) -> Response[bytes]:
    """Send a file of this build, which never changes."""
    file = page_files.get(request.scope["path"])
    if file is None:
        raise Refusal("not_found")
    headers = {"cache-control": FOR_EVER}
    return Response(file.content, media_type=file.media_type, headers=headers)


def _html(page: str, headers: dict[str, str] | None = None) -> Html:
    given = {"content-security-policy": pages.CSP, "cache-control": "no-cache"}
    return Response(page, media_type="text/html", headers=given | (headers or {}))


ROUTES: Final = (index, docs, ledger, problems, problem, static)
