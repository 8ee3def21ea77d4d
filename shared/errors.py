"""Errors, by cause, each with a stable code and a sentence for the person in front of it.

Three families. `Malformed`: the bytes are not in their declared form. `Untrusted`: the form
is right and the proof is missing, wrong or out of its time. `Refused`: form and proof are
right, and what is held already forbids it (a rollback, a second writer). Outcomes of a scan
that the rules foresee (already admitted, wrong gate) are values, never exceptions: see
`shared.outcomes`.

Codes are API: logs, vectors and other implementations compare them. They are never renamed
or reused. Every code that is raised anywhere in `shared` is a key of `SENTENCES`.
"""

from collections.abc import Mapping
from typing import Final


class UsherError(Exception):
    """Base of every error that `shared` raises on purpose.

    `code` is a key of `SENTENCES`; `offset` is the byte (or character) at which the input
    stopped making sense, where that has a meaning.
    """

    def __init__(self, code: str, offset: int | None = None) -> None:
        super().__init__(code, offset)
        self.code = code
        self.offset = offset

    def __str__(self) -> str:
        where = "" if self.offset is None else f" at {self.offset}"
        return f"{self.code}{where}: {self.sentence}"

    @property
    def sentence(self) -> str:
        """One English sentence for staff; translations look it up by `code`."""
        return SENTENCES[self.code]


class Malformed(UsherError):
    """The input is not in its declared form."""


class Untrusted(UsherError):
    """The input is well formed, but its proof is missing, wrong or out of its time."""


class Refused(UsherError):
    """The input is well formed and proved, but contradicts what is already held."""


SENTENCES: Final[Mapping[str, str]] = {
    # -- text and tokens (spec/token.md) --
    "too_long": "Not a ticket: the code is too long.",
    "not_ascii": "Not a ticket: the code has letters that no ticket has.",
    "not_a_ticket": "Not a ticket. Ask for the ticket's code.",
    "unknown_prefix": "A newer kind of ticket: update this gate.",
    "no_terminator": "The end of the code is missing. Scan it again.",
    "base45_alphabet": "The code has a character that no ticket has. Scan it again.",
    "base45_length": "A character of the code is missing. Scan it again.",
    "base45_triplet": "The code is damaged. Scan it again.",
    "base45_pair": "The code is damaged at its end. Scan it again.",
    "unknown_type": "A newer kind of ticket: update this gate.",
    "wrong_length": "The code is too short or too long for a ticket. Scan it again.",
    "reserved_flags": "The code carries a mark that this kind of ticket cannot have.",
    "unknown_issuer": "Not a ticket of this organizer.",
    "revoked_key": "Signed with a key that was withdrawn.",
    "key_outside_window": "Signed with a key that is not in force now.",
    "clock_untrusted": "This gate doesn't know the time.",
    "bad_signature": "Not a genuine ticket: the signature is wrong.",
    "live_code_required": "Ask to open the live ticket; a screenshot does not count.",
    "bad_holder_key": "The ticket is bound to a key that anybody could use.",
    "bad_holder_proof": "The live code was not made by this ticket's phone.",
    "stale_past": "The live code is old: ask to refresh it.",
    "stale_future": "The phone's clock is ahead: ask to check it.",
    "live_clock_untrusted": "This gate can't judge a live code's time: use a challenge.",
    "challenge_required": "Ask the guest to answer the challenge on this screen.",
    "wrong_challenge": "That was the answer to another challenge. Show the new one.",
    "challenge_not_asked": "An answer to a challenge that this gate isn't showing.",
    # -- signed documents and keysets (spec/README.md, spec/token.md) --
    "document_too_large": "The document is larger than its kind may be.",
    "document_truncated": "The document breaks off.",
    "document_magic": "This is not one of our documents.",
    "document_kind": "This is another kind of document than the one expected.",
    "document_version": "The document is of a newer version: update this device.",
    "document_length": "The document's length is not the one that it states.",
    "document_body": "The document's content is not in its declared form.",
    "document_spelling": "The document's content is not spelled in the one way allowed.",
    "document_unknown_key": "The document is signed by a key that this device does not trust.",
    "document_bad_signature": "The document's signature is wrong.",
    "keyset_root": "The key list names another root key than the one that signed it.",
    "keyset_window": "A period in the key list ends before it begins.",
    "keyset_event": "A key in the key list lacks its event, or has one that it must not have.",
    "keyset_key_shared": "A key appears twice in the key list.",
    "keyset_kid_shared": "Two keys in the key list have the same short name.",
    "keyset_weak_key": "A key in the key list is not a safe key.",
    "keyset_expired": "The key list has expired: fetch a newer one.",
    "keyset_rollback": "The key list is older than the one that this device holds.",
    "keyset_forked": "There are two key lists of one version: call the organizer.",
    # -- manifests (spec/manifest.md) --
    # -- scan log (spec/log.md) --
    "record_length": "Damaged log record: it is not 256 bytes long.",
    "record_range": "Damaged log record: a value does not fit its field.",
    "record_version": "The log record is of a newer version: update this device.",
    "record_kind": "The log record is of an unknown kind: update this device.",
    "record_reserved_bits": "Damaged log record: reserved bits are set.",
    "record_confirm": "Damaged log record: its confirm level is not one of the list.",
    "record_time_quality": "Damaged log record: its time quality is not one of the list.",
    "record_bits_unexpected": "Damaged log record: it shows no ticket, and says how.",
    "record_incarnation": "Damaged log record: incarnations count from 1.",
    "record_seq": "Damaged log record: sequence numbers count from 1.",
    "record_boot_place": "Damaged log record: a BOOT, and only a BOOT, has sequence number 1.",
    "record_prev": "Damaged log record: only a device's first record follows nothing.",
    "record_day_cap": "Damaged log record: its day cap is 0.",
    "record_event_missing": "Damaged log record: the event is missing.",
    "record_gate_missing": "Damaged log record: the gate is missing.",
    "record_zone_missing": "Damaged log record: the zone is missing.",
    "record_allowance_missing": "Damaged log record: the allowance is missing.",
    "record_ticket_missing": "Damaged log record: the ticket is missing.",
    "record_ref_missing": "Damaged log record: the reference is missing.",
    "record_evidence_missing": "Damaged log record: the evidence is missing.",
    "record_reason_missing": "Damaged log record: the reason is missing.",
    "record_zone_unexpected": "Damaged log record: this kind has no zone.",
    "record_day_unexpected": "Damaged log record: this kind has no day.",
    "record_allowance_unexpected": "Damaged log record: this kind has no allowance.",
    "record_terms_unexpected": "Damaged log record: this kind has no terms.",
    "record_ticket_unexpected": "Damaged log record: this kind has no ticket.",
    "record_gen_unexpected": "Damaged log record: this kind has no generation.",
    "record_ticket_class_unexpected": "Damaged log record: this kind has no class.",
    "record_session_unexpected": "Damaged log record: this kind has no session.",
    "record_ref_unexpected": "Damaged log record: this kind has no reference.",
    "log_batch_too_large": "Too many log records at once: send them in smaller batches.",
    # -- merging (spec/merge.md) --
    # -- rules (spec/rules.md) --
    # -- devices (spec/devices.md) --
}
