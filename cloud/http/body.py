"""Bodies of JSON, taken as they are declared: "1" is no number, and "true" no truth.

litestar converts a decoded body as leniently as it converts the text of a query, so bodies are
decoded here into what their route declares. What it converts afterwards is that already. Nor does
it ask what a body says that it is.
"""

import re
from functools import cache
from typing import Any, Final

import msgspec
from litestar import Request

from cloud.errors import Refusal
from cloud.http.problems import UNFIT, refused_value

# Another site's form can send text without asking, but not this.
JSON: Final = re.compile(r"application/([\w.-]+\+)?json", re.IGNORECASE)


class Unfit:
    """Stands for a body that is not what its route declares, until who sends it was judged."""


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON is what its route declares, or refused."""

    async def json(self) -> Any:
        """Return the body as the route's `data`; or what litestar can't convert to it: who calls
        is judged before that is told."""
        kind = self.content_type[0]
        if kind and not JSON.fullmatch(kind):
            return self._unfit(Refusal("media_type", accepted="application/json"))
        field = self.route_handler.parsed_data_field
        try:
            return _decoder(field.annotation if field else Any).decode(await self.body())
        except msgspec.ValidationError as error:
            return self._unfit(refused_value(str(error)))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return self._unfit(Refusal("body_malformed"))

    def _unfit(self, refusal: Refusal) -> Unfit:
        self.scope["state"][UNFIT] = refusal  # which cloud/http/problems.py answers
        return Unfit()


@cache
def _decoder(declared: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(declared)
