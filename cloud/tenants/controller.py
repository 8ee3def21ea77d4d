"""All routes of tenants."""

from typing import Final

from cloud.tenants import (
    admin_controller,
    credentials_controller,
    invitation_controller,
    member_controller,
    tenant_controller,
)

ROUTES: Final = (
    *tenant_controller.ROUTES,
    *member_controller.ROUTES,
    *invitation_controller.ROUTES,
    *credentials_controller.ROUTES,
    *admin_controller.ROUTES,
)
