"""Can staff open the screens: is the certificate there, right, and good for a while?"""

from collections.abc import Mapping
from typing import Final

from edge.health.reading import Reading
from edge.health.result import FAIL, OK, WARN, Result, unseen
from edge.health.units import counted

DAY: Final = 86_400
SOON: Final = 21 * DAY
ISSUE: Final = "Have the venue's authority issue a new one, and put it in the data folder."
FAULTS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("There is no certificate.", ISSUE),
    "unreadable": ("The certificate can't be read.", "Check the rights of the file."),
    "malformed": ("The certificate file holds no certificate.", ISSUE),
    "key_missing": ("The certificate's key is missing.", ISSUE),
    "key_unreadable": ("The certificate's key can't be read.", "Check the rights of its file."),
    "key_malformed": ("The key's file holds no key.", ISSUE),
    "key_other": ("The key is not this certificate's.", "Put the two that belong together here."),
}


def check(reading: Reading) -> Result:
    """Phones open nothing that they don't trust, neither camera nor page."""
    held = reading.certificate
    if held is None:
        return unseen("certificate")
    if held.fault:
        sentence, todo = FAULTS[held.fault]
        return Result("certificate", FAIL, f"certificate_{held.fault}", "", sentence, todo)
    now = reading.hardware.wall
    if reading.time is not None and reading.time.now.trusted:
        now = reading.time.now.seconds
    left = held.until - now
    value = counted(max(0, left // DAY), "day")
    if left <= 0:
        sentence = "The certificate has expired. No screen opens."
        return Result("certificate", FAIL, "certificate_expired", value, sentence, ISSUE)
    if now < held.since:
        sentence, todo = "The certificate is not valid yet.", "Check the machine's clock."
        return Result("certificate", FAIL, "certificate_early", value, sentence, todo)
    if held.missing:
        sentence = f"The certificate lacks the name {held.missing[0]}."
        return Result("certificate", FAIL, "certificate_names", held.missing[0], sentence, ISSUE)
    if held.issued is False:
        sentence = "The venue's authority did not issue this certificate."
        return Result("certificate", WARN, "certificate_foreign", value, sentence, ISSUE)
    if left < SOON:
        sentence = "The certificate expires soon."
        return Result("certificate", WARN, "certificate_soon", value, sentence, ISSUE)
    return Result("certificate", OK, "certificate_ok", value, "The certificate is good.")
