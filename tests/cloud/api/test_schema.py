"""schemathesis on the whole description: what it says is what is answered, whatever is sent."""

import json
import os
from typing import Any, Final

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.cloud.api.scene import Side
from tests.cloud.service import Service

EXAMPLES: Final = int(os.environ.get("USHER_SCHEMA_EXAMPLES", "6"))  # an operation
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def described(service: Service) -> Any:
    """The served description."""
    schema = schemathesis.openapi.from_url(f"{service.address}/v1/openapi.json")
    schema.config.phases.coverage.enabled = False
    schema.config.phases.examples.enabled = True
    return schema


def answered(operation: Any, side: Side, drifter: httpx.Client) -> list[str]:
    """Send generated requests; return what was not as described."""
    of_tenant = operation.path.startswith("/v1/tenants/{tenant_id}")
    who = side.owner if of_tenant else drifter
    headers = {"authorization": who.headers["authorization"]}

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
        if of_tenant:  # where there is something: the rest is refused at the door
            known = {name: str(side.value(name)) for name in case.path_parameters}
            case.path_parameters = known
        case.call_and_validate(headers=headers, checks=CHECKS, timeout=60)

    try:
        run()
    except FailureGroup as group:
        return [str(each)[:600] for each in group.exceptions]
    except Failure as failure:
        return [str(failure)[:600]]
    return []


def test_answers_are_as_described(described: Any, ours: Side, service: Service) -> None:
    """No fault; each status, type, header and body is one that the description names."""
    wrong: dict[str, list[str]] = {}
    drifter = service.person()
    for found in described.get_all_operations():
        operation = found.ok()
        if drifter.get("/v1/accounts/me").status_code != 200:  # signed out by what was generated
            drifter = service.person()
        if faults := answered(operation, ours, drifter):
            wrong[operation.label] = faults
    assert wrong == {}, json.dumps(wrong, indent=1)
