"""schemathesis on the whole description: what it says is what is answered, whatever is sent."""

import json
import os
from collections.abc import Callable, Iterator
from itertools import islice, zip_longest
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.cloud.api.scene import Side
from tests.cloud.service import Service

EXAMPLES: Final = int(os.environ.get("USHER_SCHEMA_EXAMPLES", "6"))  # an operation
# Of the cases that the schema itself names, each bound, type and method, an operation's first so
# many; 0: all of them, which takes minutes.
CASES: Final = int(os.environ.get("USHER_SCHEMA_CASES", "16"))
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

STRICT: Final = [
    *CHECKS,
    negative_data_rejection,
    missing_required_header,
    unsupported_method,
    allow_header_conformance,
]


@pytest.fixture(scope="module")
def described(service: Service) -> Any:
    """The served description."""
    schema = schemathesis.openapi.from_url(f"{service.address}/v1/openapi.json")
    schema.config.phases.coverage.enabled = False
    schema.config.phases.examples.enabled = True
    return schema


def of_tenant(operation: Any) -> bool:
    """Whether an operation is asked of what there is: the rest is refused at the door."""
    return bool(operation.path.startswith("/v1/tenants/{tenant_id}"))


def named(case: Any, side: Side) -> Any:
    """Return a case with ids that there are."""
    if of_tenant(case.operation):
        case.path_parameters = {name: str(side.value(name)) for name in case.path_parameters}
    return case


def faults_of(wrong: FailureGroup | Failure) -> list[str]:
    """Return what was not as described."""
    each = wrong.exceptions if isinstance(wrong, FailureGroup) else [wrong]
    return [str(one)[:600] for one in each]


def generated(operation: Any, side: Side, headers: dict[str, str]) -> list[str]:
    """Send generated requests; return what was not as described."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        named(case, side).call_and_validate(headers=headers, checks=CHECKS, timeout=60)

    try:
        run()
    except (FailureGroup, Failure) as wrong:
        return faults_of(wrong)
    return []


def covering(operation: Any, side: Side, headers: dict[str, str]) -> list[str]:
    """Send what the schema names; return what was not as described, or was taken though the
    schema says no."""
    wrong: list[str] = []
    for case in islice(cases(operation), CASES or None):
        answer = named(case, side).call(headers=headers, timeout=60)
        try:
            case.validate_response(answer, checks=STRICT, headers=headers)
        except (FailureGroup, Failure) as fault:
            wrong += faults_of(fault)
    return wrong


def cases(operation: Any) -> Iterator[Any]:
    """Yield good values and bad ones in turn."""
    schema = operation.schema
    config = schema.config.generation_for(operation=operation, phase="coverage")
    kinds = [
        schema.iter_coverage_cases(operation, generation_modes=[mode], generation_config=config)
        for mode in GenerationMode
    ]
    return (case for pair in zip_longest(*kinds) for case in pair if case is not None)


@pytest.mark.parametrize("send", [generated, covering])
def test_answers_are_as_described(
    described: Any, ours: Side, service: Service, send: Callable[..., list[str]]
) -> None:
    """No fault; each status, type, header and body is one that the description names."""
    wrong: dict[str, list[str]] = {}
    drifter = service.person()
    for found in described.get_all_operations():
        operation = found.ok()
        if drifter.get("/v1/accounts/me").status_code != 200:  # signed out by what was generated
            drifter = service.person()
        who = ours.owner if of_tenant(operation) else drifter
        headers = {"authorization": who.headers["authorization"]}
        if faults := send(operation, ours, headers):
            wrong[operation.label] = faults
    assert wrong == {}, json.dumps(wrong, indent=1)
