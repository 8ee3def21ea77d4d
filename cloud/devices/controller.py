"""All routes of devices but those that judge logs (cloud/checkins)."""

from typing import Final

from cloud.devices.badge_routes import ROUTES as BADGES
from cloud.devices.command_routes import ROUTES as COMMANDS
from cloud.devices.enrol_routes import ROUTES as ENROL
from cloud.devices.enrolment_routes import ROUTES as ENROLMENTS
from cloud.devices.report_routes import ROUTES as REPORTS
from cloud.devices.roll_routes import ROUTES as ROLL
from cloud.devices.routes import ROUTES as DEVICES

ROUTES: Final = (*DEVICES, *ENROLMENTS, *ENROL, *BADGES, *COMMANDS, *ROLL, *REPORTS)
