"""What can go wrong at a node, told one call ahead.

- `silent`: the request is not carried out and never answered. `deaf`: carried out, never answered.
- `cut`: carried out, and then the connection breaks.
- `drop`: answered as if it had been carried out (sendTransaction). `twice`: carried out twice.
- `late`: answered now, carried out when `release` is told.
- `status`: another HTTP status, with headers. `error`: a JSON-RPC error.
- `body`: these bytes for an answer. `endless`: an answer without an end. `slow`: one that drips.
- `patch`: the answer, changed at a path: `["value", 0]`.

`behind` isn't told of calls: while it is on, the index says of an asset what it said last.
"""

from typing import Any, Final

from msgspec import Struct

KINDS: Final = {
    "silent", "deaf", "cut", "drop", "twice", "late", "status", "error", "body", "endless", "slow",
    "patch",
}  # fmt: skip
ANY: Final = "*"


class Fault(Struct):
    """One fault of the next `times` calls of a method."""

    kind: str
    method: str = ANY
    times: int = 1
    status: int = 429
    headers: dict[str, str] = {}
    code: int = -32603
    message: str = "Internal error"
    data: Any = None
    body: str = ""
    path: tuple[str | int, ...] = ()
    value: Any = None


class Faults:
    """Those that wait for their calls."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self.met: dict[str, int] = {}  # how often each method was called
        self.last: dict[str, Any] = {}  # its last parameters

    def put(self, fault: Fault) -> None:
        """Have something go wrong."""
        if fault.kind not in KINDS:
            raise ValueError(fault.kind)
        self._waiting.append(fault)

    def clear(self) -> None:
        """Have nothing go wrong."""
        self._waiting.clear()

    def take(self, method: str, params: Any) -> Fault | None:
        """Return what goes wrong with this call, and count it."""
        self.last[method] = params
        self.met[method] = self.met.get(method, 0) + 1
        for fault in self._waiting:
            if fault.method in (method, ANY):
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None


def patched(answer: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Return an answer that says something else at a path."""
    if not path:
        return value
    copied = answer.copy()
    copied[path[0]] = patched(answer[path[0]], path[1:], value)
    return copied
