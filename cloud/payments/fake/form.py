"""Form-encoded bodies as Stripe's clients send them, read into plain values. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from cloud.payments.fake import refusals

Form = Mapping[str, Any]

FIELDS_MAX: Final = 500
DEPTH_MAX: Final = 8
DIGITS_MAX: Final = 15
METADATA_MAX: Final = 50  # pairs; a name has 40 letters and a value 500
PART: Final = re.compile(r"\[([^\[\]]*)\]")


def parse(encoded: bytes) -> Form:
    """Return `a[b][0]=c` as `{"a": {"b": {"0": "c"}}}`."""
    try:
        pairs = parse_qsl(
            encoded.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"
        )
    except ValueError:
        raise refusals.invalid("The request's body is not form-encoded.") from None
    form: dict[str, Any] = {}
    for number, (name, value) in enumerate(pairs):
        _put(form, _path(name, number), value)
    return form


def only(form: Form, names: frozenset[str]) -> None:
    """Refuse a parameter that is not one of *names*."""
    for name in form:
        if name not in names:
            message = f"Received unknown parameter: {name}"
            raise refusals.invalid(message, name, "parameter_unknown")


def text(form: Form, name: str) -> str | None:
    """Return the parameter as it came; an empty one counts as missing."""
    value = form.get(name) or None
    if value is not None and not isinstance(value, str):
        raise refusals.invalid(f"Invalid string: {name}", name)
    return value


def required(form: Form, name: str) -> str:
    """Return the parameter, or refuse."""
    value = text(form, name)
    if value is None:
        raise refusals.invalid(f"Missing required param: {name}.", name, "parameter_missing")
    return value


def whole(form: Form, name: str) -> int | None:
    """Return the parameter as a number of 0 or more."""
    value = text(form, name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= DIGITS_MAX):
        raise refusals.invalid(f"Invalid integer: {name}", name, "parameter_invalid_integer")
    return int(value)


def yes(form: Form, name: str) -> bool:
    """Return whether the parameter is there and true."""
    value = text(form, name)
    if value not in (None, "true", "false"):
        raise refusals.invalid(f"Invalid boolean: {name}", name)
    return value == "true"


def listed(form: Form, name: str) -> list[str]:
    """Return `name[]=…` or `name[0]=…` in order."""
    value = form.get(name) or {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise refusals.invalid(f"Invalid array: {name}", name)
    return list(value.values())


def metadata(form: Form) -> dict[str, str]:
    """Return the caller's own notes, within Stripe's limits."""
    value = form.get("metadata") or {}
    if not isinstance(value, dict) or len(value) > METADATA_MAX:
        raise refusals.invalid("Invalid metadata", "metadata")
    for name, said in value.items():
        if not isinstance(said, str) or len(name) > 40 or len(said) > 500:
            raise refusals.invalid("Invalid metadata", f"metadata[{name[:40]}]")
    return {name: said for name, said in value.items() if said}


def _path(name: str, number: int) -> list[str]:
    head, bracket, rest = name.partition("[")
    path = [head, *PART.findall(bracket + rest)]
    # `a[]=x&a[]=y` has no indices of its own: the place in the body will do.
    return [part or str(number) for part in path[:DEPTH_MAX]]


def _put(form: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        within = form.setdefault(part, {})
        if not isinstance(within, dict):
            raise refusals.invalid(f"Invalid hash: {path[0]}", path[0])
        form = within
    form[path[-1]] = value
