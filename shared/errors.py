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
    "ticket_length": "Damaged ticket list: an entry is not 29 bytes long.",
    "ticket_status": "The ticket list has a status that this device doesn't know: update it.",
    "ticket_number_changed": "The new ticket list gives a ticket another number.",
    "ticket_number_new": "The new ticket list skips a number, or uses one twice.",
    "ticket_gen_fell": "The new ticket list brings an older code of a ticket back.",
    "ticket_class_changed": "The new ticket list changes a ticket's class and not its code.",
    "ticket_holder_changed": "The new ticket list changes a ticket's phone and not its code.",
    "ticket_reinstated": "The new ticket list brings a cancelled ticket back.",
    "ticket_removed": "The new ticket list leaves a ticket out.",
    "chunk_too_large": "A part of the ticket list is larger than it may be.",
    "chunk_length": "A part of the ticket list breaks off.",
    "chunk_place": "A ticket is in the wrong part of the ticket list.",
    "chunk_unsorted": "A part of the ticket list is out of order.",
    "chunk_repeated": "A ticket is twice in the ticket list.",
    "chunk_hash": "A part of the ticket list is not the one that was signed.",
    "table_count": "The ticket list has more or fewer tickets than it states.",
    "table_number": "A ticket's number is higher than there are tickets.",
    "table_number_repeated": "Two tickets have the same number.",
    "name_too_long": "The name or the seat is too long.",
    "name_length": "Damaged name: it has a length that no name has.",
    "name_sealed": "The name belongs to another ticket, or to an older code of this one.",
    "name_text": "Damaged name: its content is not in its declared form.",
    "names_too_large": "A part of the name list is larger than it may be.",
    "names_truncated": "A part of the name list breaks off.",
    "names_size": "Damaged name list: an entry has a size that no name has.",
    "names_hash": "A part of the name list is not the one that was signed.",
    "names_count": "The name list has more or fewer names than there are tickets.",
    "names_unwanted": "This device doesn't hold names.",
    "frame_too_large": "A part of the answer is larger than it may be.",
    "frame_too_many": "The answer has more parts than a ticket list has.",
    "delta_too_large": "The list of changes is larger than it may be: take the whole list.",
    "delta_too_long": "The list of changes has too many steps: take the whole list.",
    "delta_entry_too_large": "A step of the list of changes is larger than it may be.",
    "delta_truncated": "The list of changes breaks off.",
    "delta_unsorted": "A step of the list of changes is out of order.",
    "delta_repeated": "A step of the list of changes names a ticket twice.",
    "delta_start": "The list of changes does not begin where this device is.",
    "delta_gap": "The list of changes leaves a step out, or repeats one.",
    "delta_end": "The list of changes does not end at the version that was signed.",
    "delta_chain": "The list of changes is not the one that was signed.",
    "delta_result": "The changes do not lead to the ticket list that was signed.",
    "manifest_window": "The ticket list expires before it was issued.",
    "manifest_names": "The ticket list names too few or too many parts.",
    "manifest_future": "The ticket list is from the future: check this device's clock.",
    "manifest_expired": "The ticket list has expired: fetch a newer one.",
    "manifest_event": "This is the ticket list of another event.",
    "manifest_rollback": "The ticket list is older than the one that this device holds.",
    "manifest_forked": "There are two ticket lists of one version: call the organizer.",
    "manifest_missing": "This device has no ticket list to change: take the whole list.",
    "manifest_incomplete": "Parts of the ticket list are still missing.",
    # -- files and search lists (spec/files.md) --
    "file_magic": "This is not one of our files.",
    "file_version": "The file is of a newer version: update this device.",
    "file_kind": "The file is of a kind that this device doesn't know: update it.",
    "file_truncated": "The file breaks off: copy it again.",
    "file_damaged": "The file was damaged on its way: copy it again.",
    "file_longer": "The file goes on behind its end: copy it again.",
    "file_section": "The file has a part that does not belong into it: update this device.",
    "search_hash": "The search list is not the one that was signed.",
    "search_not_for_badge": "The search list is not for this badge.",
    "search_sealed": "The search list does not open with this badge.",
    "search_text": "Damaged search list: its content is not in its declared form.",
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
    "plan_zone_repeated": "Two zones have the same number.",
    "plan_zone_parent": "A zone lies in a zone that does not exist, or in itself.",
    "plan_gate_repeated": "Two gates have the same number.",
    "plan_gate_zone": "A gate belongs to a zone that does not exist or is faulty.",
    "plan_day_bounds": "A day ends before it begins.",
    "plan_day_order": "The days overlap, or are not in order.",
    "plan_class_repeated": "Two ticket classes have the same number.",
    "plan_class_zones": "A ticket class names no zone, or one that does not exist or is faulty.",
    "plan_class_gates": "A ticket class names a gate that is faulty or leads to none of its zones.",
    "plan_class_validity": "A ticket class is valid until before it is valid from.",
    "plan_class_window": "A ticket class has a window that ends before it begins.",
    "plan_class_days": "A ticket class counts days, and the event has none that make sense.",
    "plan_class_questions": "Two questions of a ticket class have the same number.",
    "post_gate": "This gate does not exist in the event's plan.",
    "post_direction": "This gate does not let people pass in that direction.",
    # -- devices (spec/devices.md) --
    "roster_expired": "The device list has expired: fetch a newer one.",
    "roster_rollback": "The device list is older than the one that this device holds.",
    "roster_forked": "There are two device lists of one version: call the organizer.",
    "roster_tenant": "The device list is another organizer's.",
    "roster_window": "The device list expires before it is issued.",
    "roster_key_shared": "A key appears twice in the device list.",
    "roster_weak_key": "A key in the device list is not a safe key.",
    "enrol_offer": "This is not an enrolment code.",
    "enrol_insecure": "The enrolment code leads to an address that is not secure.",
    "enrol_weak_root": "The enrolment code names a key that is not safe.",
    "enrol_hello": "The enrolment request is damaged.",
    "enrol_unknown": "The enrolment code is unknown: show a new one.",
    "enrol_used": "The enrolment code was used before: show a new one.",
    "enrol_expired": "The enrolment code has expired: show a new one.",
    "enrol_revoked": "The enrolment code was taken back: show a new one.",
    "enrol_bad_proof": "The device did not prove its key, or read another enrolment code.",
    "enrol_step": "The enrolment has not come this far, or is past this step.",
    "enrol_not_listed": "The device list does not name this device: enrol it again.",
    "badge_text": "This is not a staff badge.",
    "request_header": "The request's signature header is not in its declared form.",
    "request_part": "The request has an address that can't be signed.",
    "request_unknown_device": "The request comes from a device that is not enrolled.",
    "request_bad_signature": "The request's signature is wrong.",
    "request_revoked_device": "The request comes from a device that was revoked.",
    "request_stale": "The request is too old: check the device's clock.",
    "request_early": "The request is from the future: check the device's clock.",
    "request_replayed": "The request was made before.",
    "command_time": "Only a command that sets the time has a time.",
    "command_other_device": "The command is for another device.",
    "command_replayed": "The command was obeyed before, or a later one was.",
    "receipt_tenant": "The receipt is another organizer's.",
    "stamp_length": "The signed time is not 92 bytes long.",
    "stamp_time": "The signed time is out of range.",
    "stamp_unknown_key": "The signed time is by a key that this device does not trust.",
    "stamp_bad_signature": "The signed time's signature is wrong.",
    "stamp_other_question": "The signed time answers another question.",
    # -- between gates and the cloud (spec/sync.md) --
    "wire_truncated": "The message was cut off: it is asked for again.",
    "wire_too_many": "The message has more parts than any of ours.",
    "wire_vector": "The list of what is held of each log is not in its declared form.",
    # -- claims between gates (spec/claims.md) --
    "claim_length": "The other gate's question breaks off, or goes on behind its end.",
    "claim_version": "The other gate's question is of a newer version: update this device.",
    "claim_rights": "The other gate asks for no right, or for one twice.",
    "claim_bad_signature": "The other gate passed on a question that it did not sign.",
    "claim_answer_length": "The other gate's answer breaks off, or goes on behind its end.",
    "claim_answer_kind": "The other gate's answer is of an unknown kind: update this device.",
    "claim_release": "The other gate gives a question up in a form that is not declared.",
    "claim_tell": "The other gate asks in a form that is not declared.",
    "claim_told": "The other gate's list of what it was granted is not in its declared form.",
    # -- between the gates of a site (spec/lan.md) --
    "lan_type": "A gate nearby speaks a newer language: update this gate.",
    "lan_too_large": "A gate nearby sent more than any gate may.",
    "lan_hello": "A gate nearby did not introduce itself as gates do.",
    "lan_log": "A gate nearby sent a log that is not in its declared form.",
    "lan_ping": "A gate nearby sent a sign of life that is not in its declared form.",
    "lan_places": "A gate nearby asked for records in a form that is not its declared one.",
    "lan_correlation": "A gate nearby sent a request without its number.",
}
