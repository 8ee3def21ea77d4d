"""A time that tests agree on."""

from datetime import UTC, datetime
from typing import Final

NOW: Final = datetime(2027, 5, 1, 18, 0, tzinfo=UTC)
