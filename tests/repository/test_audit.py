"""`make audit` against a server that speaks as osv.dev documents `POST /v1/querybatch`."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final

import pytest

from scripts import audit

NAME, VERSION = audit.pins()[0]
FIRST: Final = {"id": "GHSA-cpwx-vrp4-4pq7", "modified": "2026-03-01T00:00:00Z"}
SECOND: Final = {"id": "PYSEC-2026-1", "modified": "2026-03-02T00:00:00Z"}
Speech = Callable[[list[Any]], tuple[int, Any]]


@contextmanager
def database(speech: Speech) -> Iterator[str]:
    """A server whose answers are a function of the queries; its address."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, told = speech(asked["queries"])
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/querybatch"
        server.shutdown()
        thread.join()


def paged(queries: list[Any]) -> tuple[int, Any]:
    """A hole of the first package, and another one on its second page."""
    if "page_token" in queries[0]:
        assert queries == [audit.question(NAME, VERSION) | {"page_token": "two"}]
        return 200, {"results": [{"vulns": [SECOND]}]}
    assert queries == [audit.question(*pin) for pin in audit.pins()]
    return 200, {
        "results": [{"vulns": [FIRST], "next_page_token": "two"}, *[{}] * len(queries[1:])]
    }


def test_holes_are_told_page_after_page(capsys: pytest.CaptureFixture[str]) -> None:
    """By package, version and id; what is whole is not named."""
    with database(paged) as address:
        assert audit.main(address) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"audit: {NAME} {VERSION}: {FIRST['id']}",
        f"audit: {NAME} {VERSION}: {SECOND['id']}",
        f"audit: {len(audit.pins())} packages, 2 known holes.",
    ]


@pytest.mark.parametrize(
    ("speech", "code", "says"),
    [
        (lambda asked: (200, {"results": [{}] * len(asked)}), 0, "0 known holes"),
        (lambda _: (503, {"code": 14, "message": "busy"}), 0, "out of reach (HTTPStatusError)"),
        (lambda _: (400, {"code": 3, "message": "Invalid"}), 1, "does not promise"),
        (lambda _: (200, {"results": [{}]}), 1, "does not promise"),
        (lambda _: (200, []), 1, "does not promise"),
        (lambda asked: (200, {"results": [{"next_page_token": "on"}] * len(asked)}), 1, "pages"),
    ],
)
def test_only_an_answer_is_taken_for_one(
    capsys: pytest.CaptureFixture[str], speech: Speech, code: int, says: str
) -> None:
    """Whole; busy; not content with the question; too short; something else; without an end."""
    with database(speech) as address:
        assert audit.main(address) == code
    assert says in capsys.readouterr().out


def test_a_machine_without_a_line_out_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    """And goes by the list in requirements/."""
    with database(paged) as address:
        pass
    assert audit.main(address) == 0
    assert "advisories.toml alone" in capsys.readouterr().out
