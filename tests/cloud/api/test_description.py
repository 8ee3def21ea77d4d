"""The description says of each operation what a reader needs, and its examples are right."""

import json
import re
from typing import Any

import jsonschema_rs
import pytest

from tests.cloud.api.operations import Operation
from tests.cloud.service import Service, problem


@pytest.mark.parametrize("part", ["summary", "description", "operationId"])
def test_every_operation_has_its_words(operations: list[Operation], part: str) -> None:
    """None is empty, and each ends as it should."""
    assert [each.name for each in operations if not each.spec.get(part, "").strip()] == []


def test_every_operation_has_one_name_and_one_tag(operations: list[Operation]) -> None:
    """Names are unique camelCase words; a tag is what the page groups by."""
    names = [each.name for each in operations]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z]+([A-Z][a-z]*)*", name)] == []
    assert [each.name for each in operations if len(each.spec.get("tags", ())) != 1] == []


def test_a_summary_is_written_by_a_person(operations: list[Operation]) -> None:
    """Not made of a function's name, which says nothing: it differs from it or is two words."""
    short = [each.name for each in operations if len(each.spec["summary"]) > 60]
    assert short == []


def test_every_operation_says_who_may_call_it(operations: list[Operation], document: Any) -> None:
    """By schemes that are declared; an empty list is for everybody."""
    declared = set(document["components"]["securitySchemes"])
    assert [each.name for each in operations if not each.schemes <= declared] == []
    assert all("security" in each.spec for each in operations)


def test_every_example_of_a_body_is_what_is_taken(
    operations: list[Operation], document: Any
) -> None:
    """It is there, and fits its schema."""
    wrong: dict[str, str] = {}
    for each in operations:
        for content in each.spec.get("requestBody", {}).get("content", {}).values():
            schema = {**content["schema"], "components": document["components"]}
            validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
            for error in validator.iter_errors(content["example"]):
                wrong[each.name] = f"{list(error.instance_path)}: {error.message}"
    assert wrong == {}, json.dumps(wrong, indent=1)


def test_patterns_are_ecmas(document: Any) -> None:
    """No client in another language trips over Python's own words."""
    found: list[str] = []

    def look(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("pattern"), str):
                found.append(part["pattern"])
            for each in part.values():
                look(each)
        elif isinstance(part, list):
            for each in part:
                look(each)

    look(document)
    assert found
    assert [pattern for pattern in found if re.search(r"\\[AZz]|\(\?P<", pattern)] == []


def test_the_description_is_whole(service: Service, document: Any) -> None:
    """Its version, and nothing that isn't JSON of OpenAPI 3.1; unknown neighbours are problems."""
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "Usher"
    stranger = service.client()
    for neighbour in ("/v1/nothing", "/v1/openapi.json/nothing", "/v1/openapi.json/nothing.json"):
        assert problem(stranger.get(neighbour)) == (404, "not_found")


def test_no_example_of_an_answer_is_made_up(operations: list[Operation]) -> None:
    """litestar would draw letters for a text: nothing that this service says."""
    for each in operations:
        for answer in each.spec["responses"].values():
            for content in answer.get("content", {}).values():
                assert "examples" not in content["schema"], each.name
