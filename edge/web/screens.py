"""Pages: a template, the reader's language, and files with hashed names."""

from pathlib import Path
from typing import Any, Final

import jinja2
from litestar import Request, Response

import shared
from edge.web import assets, tokens, words
from edge.web.assets import Assets
from edge.web.words import Languages

HERE: Final = Path(__file__).parent
DESIGN: Final = Path(shared.__file__).parent / "design"
HTML: Final = "text/html"  # the framework adds the charset to texts


class Screens:
    """Everything that browsers show."""

    def __init__(self, templates: Path, languages: Languages, files: Assets) -> None:
        self._languages = languages
        self.files = files
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(templates),
            autoescape=True,  # every template, whatever it is called
            undefined=jinja2.StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that pages can be read in, English first."""
        return self._languages.codes

    def page(self, request: Request[Any, Any, Any], name: str, **values: Any) -> Response[str]:
        """Return a page in the reader's language, which is remembered where it was asked for."""
        asked = request.query_params.get("lang", "")
        language = self._languages.chosen(
            asked,
            request.cookies.get(tokens.LANGUAGE, ""),
            request.headers.get("accept-language", ""),
        )
        text = self._templates.get_template(name).render(
            t=self._languages.translate(language),
            lang=language,
            languages=self.languages,
            static=self.files.url,
            **values,
        )
        response = Response(text, media_type=HTML)
        if asked == language:
            response.set_cookie(tokens.cookie(tokens.LANGUAGE, language))
        return response


def load(templates: Path, locales: Path, static: Path, design: Path = DESIGN) -> Screens:
    """Return the screens whose parts are in these folders."""
    files = assets.load((("", static), ("", design), ("locales/", locales)))
    return Screens(templates, words.load(locales), files)


def ours() -> Screens:
    """Return the screens that come with this package."""
    return load(HERE / "templates", HERE / "locales", HERE / "static")
