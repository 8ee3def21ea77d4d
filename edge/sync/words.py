"""What `usher-edge enrol` says: each step, and each refusal with what to do next."""

from collections.abc import Mapping
from typing import Final

STEPS: Final[Mapping[str, str]] = {
    "offer": "The code leads to",
    "key": "This device's key:",
    "claimed": "The cloud has taken this device's claim.",
    "away": "The cloud can't be reached. Still trying.",
    "back": "The cloud is back.",
    "confirmed": "Confirmed at the console.",
    "enrolled": "This device is enrolled at",
}
NEW: Final = "Make a new code at the console, and show it to this device."
REFUSED: Final[Mapping[str, tuple[str, str]]] = {
    "enrol_offer": ("This is not an enrolment code.", "Paste its whole text, or show the code."),
    "enrol_insecure": (
        "The code leads to an address that is not secure.",
        "Have the service's operator set its public address, with https.",
    ),
    "enrol_weak_root": ("The code names a key that is not safe.", "Call the organizer."),
    "enrol_unknown": ("The cloud doesn't know this code.", NEW),
    "enrol_used": (
        "Another device has used this code before.",
        "If it was none of yours, take the code back at the console, and make a new one.",
    ),
    "enrol_expired": ("The code has expired.", NEW),
    "enrol_revoked": ("The code was taken back at the console.", NEW),
    "enrol_void": (
        "The digits that were typed were not this device's.",
        f"{NEW} If it happens again, somebody stands in between: call the organizer.",
    ),
    "enrol_bad_proof": ("The cloud did not accept this device's proof.", NEW),
    "enrol_step": ("The enrolment has gone on without this device.", NEW),
    "enrol_hello": ("The cloud could not read this device's claim.", "Update this device."),
    "enrol_body": ("The cloud could not read this device's claim.", "Update this device."),
    "enrol_not_listed": ("The cloud's list does not name this device.", NEW),
    "device_known": (
        "The organizer's list has this device's key already.",
        "Nothing needs to be done if it was enrolled before: run `usher-edge run`.",
    ),
    "other_organizer": (
        "This device belongs to another organizer.",
        "Have that organizer wipe it first, or use another device.",
    ),
    "rate_limited": ("The cloud asks to wait.", "Try again in a minute."),
}
OTHERWISE: Final = ("The cloud refused.", "Try again; if it goes on, call the organizer.")
NOT_ROLLED: Final[Mapping[str, tuple[str, str]]] = {
    "records_left": (
        "The cloud has not signed for all that this device wrote.",
        "Run the agent until nothing waits any more, stop it, and try again.",
    ),
    "request_revoked_device": (
        "The organizer has shut this device out.",
        "Call the organizer: it can't give itself a new key.",
    ),
}
UNREACHABLE: Final = (
    "The cloud can't be reached.",
    "Check the cable or the Wi-Fi; then run `usher-edge enrol` again: it goes on from here.",
)


def refused(code: str) -> tuple[str, str]:
    """Return what has happened and what to do next."""
    return REFUSED.get(code) or NOT_ROLLED.get(code, OTHERWISE)
