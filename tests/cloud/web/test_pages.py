"""The pages over HTTP: cacheable files, a strict policy, refusals for people and programs."""

import re
from typing import Final

import pytest

from cloud.http.catalogue import CATALOGUE
from tests.cloud.service import Service, good, problem

HTML: Final = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/", "/docs", "/ledger", "/problems", "/problems/sold_out"])
def test_a_page_has_no_script_of_its_own(service: Service, path: str) -> None:
    """Its policy lets none run, and every file that it names is there, for ever."""
    page = service.client().get(path, headers=HTML)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)|\son\w+=|style=|https?:", page.text)
    for name in set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)):
        file = service.client().get(name)
        assert file.status_code == 200
        assert "immutable" in file.headers["cache-control"]


def test_another_builds_file_is_not_there(service: Service) -> None:
    """Nor what lies beside the folder."""
    for name in ("0123456789abcdef/pages.css", "x/../../pages.py", "pages.css"):
        assert problem(service.client().get(f"/static/{name}"))[0] == 404


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_refusal_is_explained(service: Service, code: str) -> None:
    """The `type` of a problem is an address that answers, as a page and as JSON."""
    client = service.client()
    said = good(client.get(f"/problems/{code}", headers={"accept": "application/json"}))
    assert (said["code"], said["title"]) == (code, CATALOGUE[code].sentence)
    assert f"<code>{code}</code>" in client.get(f"/problems/{code}", headers=HTML).text


def test_no_other_code_is_explained(service: Service) -> None:
    """404, and nothing of it in the answer."""
    answer = service.client().get("/problems/%3Cscript%3E", headers=HTML)
    assert problem(answer) == (404, "not_found")
    assert "script" not in answer.text
