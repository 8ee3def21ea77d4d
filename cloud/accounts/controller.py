"""All routes of accounts."""

from typing import Final

from cloud.accounts import (
    joining_controller,
    me_controller,
    oauth_controller,
    session_controller,
)

ROUTES: Final = (
    *joining_controller.ROUTES,
    *session_controller.ROUTES,
    *me_controller.ROUTES,
    *oauth_controller.ROUTES,
)
