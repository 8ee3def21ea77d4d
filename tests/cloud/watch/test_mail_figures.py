"""Mail in figures: how much waits and for how long, what was sent and what was refused."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from tests.cloud.service import Service
from tests.cloud.watch.test_business import told

PUT: Final = """
    INSERT INTO mail (tenant_id, kind, language, about, created_at, due_at, attempts, state,
                      ended_at)
    VALUES ('{tenant}', '{kind}', 'en', '{{}}', now() - interval '{age} s', now(), {attempts},
            '{state}', {ended})
"""


def put(
    service: Service, tenant: UUID, age: int, state: str = "waiting", *, kind: str = "order",
    attempts: int = 0, ago: str = "1 minute",
) -> None:  # fmt: skip
    ended = "NULL" if state == "waiting" else f"now() - interval '{ago}'"
    service.database.run(
        PUT.format(tenant=tenant, kind=kind, age=age, attempts=attempts, state=state, ended=ended)
    )


def test_mail_that_waits_was_sent_or_refused(service: Service) -> None:
    """The oldest is one that the server has not put off, and that does not gather incidents."""
    tenant = service.tenant(service.person()).tenant_id
    assert told(service, tenant).get("mail_waiting", 0) == 0
    put(service, tenant, 100)
    put(service, tenant, 4000, kind="incident")
    put(service, tenant, 5000, attempts=3)
    for state in ("sent", "sent", "kept", "bounced", "failed", "dropped"):
        put(service, tenant, 9000, state)
        put(service, tenant, 9000, state, ago=f"{timedelta(hours=2).seconds} s")
    seen = told(service, tenant)
    assert (seen["mail_waiting"], seen["mail_sent"], seen["mail_refused"]) == (3, 3, 2)
    assert 100 <= seen["mail_oldest_seconds"] < 200
