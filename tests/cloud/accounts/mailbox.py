"""What the service has put down to be mailed, read from its outboxes."""

import json
from typing import Any

from cloud.accounts import mail
from cloud.keys.sealing import MasterKey, parse_master_key
from tests.cloud.service import MASTER_KEY, Service

SEALER = MasterKey(parse_master_key(MASTER_KEY))
PLATFORM = """
    SELECT m.topic, m.key, m.payload FROM platform_outbox m
      JOIN account a ON m.key = 'account:' || a.account_id
     WHERE a.email = $1 ORDER BY m.message_id
"""
INVITATIONS = """
    SELECT m.topic, m.key, m.payload FROM outbox m
      JOIN invitation i ON m.key = 'invitation:' || i.invitation_id
     WHERE i.email = $1 ORDER BY m.message_id
"""


def topics(service: Service, email: str) -> list[str]:
    """Return what is mailed to an account, in order."""
    return [row["topic"] for row in service.database.rows(PLATFORM, email)]


def secret(service: Service, email: str, topic: str) -> str:
    """Return the newest secret that is mailed to an address."""
    sql = INVITATIONS if topic == "mail.invitation" else PLATFORM
    row = [each for each in service.database.rows(sql, email) if each["topic"] == topic][-1]
    payload: dict[str, Any] = json.loads(row["payload"])
    return mail.opened(SEALER, row["topic"], row["key"], payload)
