"""Every code that the service refuses with: its HTTP status and its sentence, in one place.

Codes are API: never renamed or reused. The sentence is for the person in front of it and says
what to do next where there is something to do. A feature adds its rows under its own heading.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Entry(NamedTuple):
    """How a code is answered."""

    status: int
    sentence: str


CATALOGUE: Final[Mapping[str, Entry]] = {
    # -- every route --
    "not_found": Entry(404, "There is nothing here, or nothing that you may see."),
    "method_not_allowed": Entry(405, "This address doesn't take that method."),
    "invalid_request": Entry(400, "The request is not in the declared form."),
    "header_repeated": Entry(400, "A header that has one value came twice: send it once."),
    "body_malformed": Entry(400, "The body is not valid JSON."),
    "body_too_large": Entry(413, "The body is larger than this address takes."),
    "body_cut": Entry(400, "The request ended before all of it was here: send it again."),
    "body_slow": Entry(408, "The body came too slowly: send it again."),
    "head_too_large": Entry(431, "The address and the headers are longer than 65536 bytes."),
    "media_type": Entry(415, "The body is of a type that this address doesn't take."),
    "not_acceptable": Entry(406, "The answer can't be had in the type asked for."),
    "cursor_malformed": Entry(400, "The cursor is damaged: start again without one."),
    "rate_limited": Entry(429, "Too many requests: wait, then go on."),
    "conflict": Entry(409, "Somebody else changed this at the same moment: read it again."),
    "busy": Entry(503, "The service is busy: try again in a moment."),
    "overloaded": Entry(503, "Too much is asked at once, and gates go first: try again shortly."),
    "unavailable": Entry(503, "A part that this needs is away: try again in a moment."),
    "internal": Entry(500, "Something broke on our side. It is logged under the request's id."),
    "shutting_down": Entry(503, "This server is being restarted: try again."),
    # -- idempotency keys --
    "idempotency_key_malformed": Entry(
        400, "An idempotency key has 1 to 255 printable characters."
    ),
    "idempotency_key_reused": Entry(409, "This idempotency key was used for another request."),
    # -- access --
    "credentials_missing": Entry(401, "Sign in first."),
    "credentials_malformed": Entry(401, "The Authorization header is not in a known form."),
    "credentials_invalid": Entry(401, "These credentials are not valid, or no longer."),
    "token_expired": Entry(401, "The access token has expired: refresh it."),
    "scope_missing": Entry(403, "You may not do this here."),
    "account_required": Entry(403, "Only a person's own account can do this."),
    "admin_required": Entry(403, "Only the platform's administrators can do this."),
    "device_required": Entry(401, "Only an enrolled device can do this."),
    # -- mail --
    "mail_not_refused": Entry(409, "This mail was not refused: it is sent, or will be."),
    "mail_secret_gone": Entry(
        409, "The secret in this mail is not kept once it is sent: invite or offer anew."
    ),
    "unsubscribe_link": Entry(
        400, "This link is damaged or too old: use one of a newer mail, or your preferences."
    ),
    # -- the ledger --
    "wallet_signature": Entry(400, "The wallet has not signed this challenge."),
    "wallet_challenge_over": Entry(400, "The challenge is over: ask for another one."),
    "wallet_linked": Entry(409, "Your tickets are at a wallet of your own already."),
    "wallet_sign_in": Entry(403, "Give your password, or sign in again first."),
    "image_type": Entry(415, "This is no PNG, JPEG or WebP image."),
    "image_pixels": Entry(
        422, "An image has 64 to 4096 pixels a side, and 8 million pixels at most."
    ),
    "image_damaged": Entry(422, "The image is damaged: save it again, then upload it."),
    "image_large": Entry(413, "The image is too large once it is written anew: make it smaller."),
    "images_too_many": Entry(409, "The event has had as many pictures as it may: choose one."),
    # -- migrations --
    "migration_changed": Entry(500, "A migration was changed after it was applied."),
    "migration_newer": Entry(500, "The database was migrated by a newer version of Usher."),
    # -- accounts --
    "sign_in_refused": Entry(401, "The address or the password is wrong."),
    "refresh_refused": Entry(401, "The session has ended: sign in again."),
    "secret_invalid": Entry(400, "The secret is not valid, or no longer: ask for another mail."),
    "email_unverified": Entry(
        403,
        "Prove your mail address first: POST /v1/accounts/verify, with the secret mailed to it.",
    ),
    "password_too_short": Entry(400, "The password is too short: use 8 characters or more."),
    "password_too_long": Entry(400, "The password is longer than 1024 characters."),
    "password_characters": Entry(400, "The password has a character that can't be typed again."),
    "password_is_address": Entry(400, "The password is the mail address: choose another."),
    "password_repeats": Entry(400, "The password repeats itself: choose another."),
    "password_sequence": Entry(400, "The password follows the keyboard: choose another."),
    "password_commonplace": Entry(400, "The password is one of the first to be guessed."),
    "issuer_unknown": Entry(400, "That issuer signs nobody in here."),
    "issuer_unavailable": Entry(503, "The issuer can't be asked: try again in a moment."),
    "id_token_refused": Entry(401, "The ID token signs nobody in."),
    # -- tenants --
    "slug_taken": Entry(409, "That short name is in use: choose another."),
    "last_owner": Entry(409, "A tenant keeps an owner: make somebody else one first."),
    "already_member": Entry(409, "That account is a member already."),
    "invitation_invalid": Entry(404, "There is no such invitation for your address."),
    "scope_unknown": Entry(400, "There is no such scope."),
    # -- events --
    "version_stale": Entry(409, "It was changed since you read it: read it again, then change it."),
    "currency_unknown": Entry(400, "There is no such currency, or it is out of use."),
    "price_parts": Entry(400, "Cards can't be charged so small a part of this currency."),
    "timezone_unknown": Entry(400, "There is no such time zone."),
    "text_zero": Entry(400, "A text has a character that can't be kept."),
    "time_range": Entry(400, "A time is too early or too late."),
    "event_times": Entry(400, "Doors, start and end are not in this order."),
    "sale_window": Entry(400, "The sale ends before it begins."),
    "event_closed": Entry(409, "The event is cancelled or over: nothing of it changes any more."),
    "event_state": Entry(409, "The event's state doesn't allow this."),
    "field_fixed": Entry(409, "This stands once an event is published."),
    "event_without_class": Entry(409, "The event has nothing to sell."),
    "plan_faulty": Entry(409, "Gates could not go by this: see what is wrong in it."),
    "plan_too_large": Entry(409, "The event's plan is too large for a gate's list."),
    "venue_in_use": Entry(409, "An event at this venue needs it as it is."),
    "venue_archived": Entry(409, "The venue is out of use."),
    "artist_repeated": Entry(400, "An artist is listed twice."),
    "artist_shares": Entry(400, "The artists' shares are more than the whole."),
    "artist_unknown": Entry(409, "An account is no artist of this organizer."),
    "class_seated": Entry(409, "The class has seats, and as many tickets as they are."),
    "class_unseated": Entry(409, "The class has no seats: change its capacity."),
    "seat_repeated": Entry(400, "A seat is listed twice."),
    "seat_taken": Entry(409, "A seat belongs to a class of this event already."),
    "seat_unknown": Entry(409, "The class has no such seat."),
    "capacity_taken": Entry(409, "So many tickets are not free any more: they are held or sold."),
    "too_many_tickets": Entry(409, "An event can't have so many tickets."),
    "too_many_classes": Entry(409, "An event can't have so many ticket classes."),
    # -- keys --
    "rotation_pending": Entry(409, "The next key is published already and signs before long."),
    "too_many_keys": Entry(409, "A keyset can't name so many keys."),
    "root_not_revocable": Entry(409, "A root can't be withdrawn: announce its successor."),
    "event_over": Entry(409, "The event is over, and its tickets with it."),
    "event_not_published": Entry(409, "Publish the event first."),
    # -- tickets --
    "illegal_move": Entry(409, "The ticket's state doesn't allow this."),
    "ticket_used": Entry(409, "The ticket was used at a gate: it stays as it is."),
    "ticket_listed": Entry(409, "The ticket is for sale: take it off sale first."),
    "ticket_not_valid": Entry(409, "The ticket is not valid, or not any more."),
    "ticket_blocked": Entry(409, "The organizer has blocked the ticket: ask them."),
    "ticket_worn_out": Entry(409, "The ticket can't have another code: ask for another ticket."),
    "doors_open": Entry(409, "Doors have opened: ask the organizer."),
    "bind_first": Entry(409, "Bind the ticket to a phone first: only its live code admits."),
    "live_code_only": Entry(409, "Only the live code on the phone that it is bound to admits."),
    "reissue_limit": Entry(409, "The ticket has had as many new codes as the organizer allows."),
    "reissue_cooldown": Entry(409, "The ticket had a new code just now: wait, then ask again."),
    "holder_key_weak": Entry(400, "This is not a safe public key."),
    "holder_proof_bad": Entry(400, "The proof is not the key's over this ticket as it is now."),
    "holder_proof_stale": Entry(400, "The proof is not of this moment: check the phone's clock."),
    "guests_malformed": Entry(400, "The guest list can't be read as text."),
    "guests_too_many": Entry(409, "A guest list can't have so many tickets."),
    # -- transfers --
    "transfer_open": Entry(409, "The ticket is on offer already: cancel that offer first."),
    "transfer_over": Entry(409, "The offer is over: it was accepted, declined or cancelled."),
    "transfer_lapsed": Entry(409, "The offer has lapsed: ask for another."),
    "transfer_void": Entry(409, "The ticket has changed since it was offered: ask for another."),
    "transfer_frozen": Entry(409, "It is too close to doors to hand the ticket over."),
    "transfer_off": Entry(409, "This ticket can't be handed over."),
    "transfer_to_self": Entry(409, "The ticket is your own already."),
    "transfer_other_address": Entry(403, "The offer is for another address, or yours is unproved."),
    # -- orders --
    "event_not_on_sale": Entry(409, "Tickets for this event are not on sale."),
    "class_unknown": Entry(409, "The event has no such ticket class."),
    "sale_closed": Entry(409, "These tickets are not on sale now."),
    "per_order_limit": Entry(409, "One order can't have so many of these tickets."),
    "hold_limit": Entry(409, "You hold other tickets for this event: pay or give them up first."),
    "sold_out": Entry(409, "There are not so many tickets left."),
    "seats_taken": Entry(409, "Some of these seats are not free."),
    "hold_over": Entry(409, "The tickets are no longer held: order again."),
    "order_paid": Entry(409, "The order is paid: ask for a refund instead."),
    "payment_under_way": Entry(409, "The payment is under way: wait for how it ends."),
    "nothing_to_refund": Entry(409, "The order has no ticket that could be refunded."),
    "no_failed_refund": Entry(409, "No refund of this order has failed."),
    "not_in_order": Entry(409, "The ticket is not one of this order."),
    "already_refunded": Entry(409, "The ticket was refunded before."),
    # -- payments --
    "payments_busy": Entry(503, "Many are paying at this moment: try again."),
    "payments_away": Entry(503, "The payment provider doesn't answer: try again in a moment."),
    "payment_refused": Entry(502, "The payment provider refused to begin this payment."),
    "webhook_header_too_long": Entry(400, "The webhook's signature header is too long."),
    "webhook_header": Entry(400, "The webhook's signature header is not in its declared form."),
    "webhook_body": Entry(400, "The webhook's content is not in its declared form."),
    "webhook_no_secret": Entry(400, "Webhooks are refused: no webhook secret is set."),
    "webhook_no_signature": Entry(400, "The webhook carries no signature."),
    "webhook_bad_signature": Entry(400, "The webhook's signature is wrong."),
    "webhook_stale": Entry(400, "The webhook is too old."),
    "webhook_early": Entry(400, "The webhook is from the future: check this machine's clock."),
    # -- checkins --
    "redeem_what": Entry(400, "Send the code that was scanned, or the ticket picked by hand."),
    "override_words": Entry(400, "Words and the reason `other` go together."),
    "post_gate": Entry(400, "This gate does not exist in the event's plan."),
    "post_direction": Entry(400, "This gate does not let people pass in that direction."),
    "override_quota": Entry(409, "The overrides of this event are used up: call the organizer."),
    "undo_impossible": Entry(409, "This entry can't be taken back: the guest left, or it was."),
    "undo_supervisor": Entry(403, "It is too late to take this back without a supervisor."),
    "device_known": Entry(409, "This device is registered already."),
    "device_weak_key": Entry(400, "This is not a safe public key."),
    "device_is_worker": Entry(409, "This is a process of the cloud's own: it can't be revoked."),
    "cutoff_half": Entry(400, "A cutoff has an incarnation and a seq."),
    "log_foreign": Entry(403, "A device may send its own records alone."),
    "request_header": Entry(401, "The request's signature header is not in its declared form."),
    "request_part": Entry(401, "The request has an address that can't be signed."),
    "request_unknown_device": Entry(401, "The request comes from a device that isn't enrolled."),
    "request_bad_signature": Entry(401, "The request's signature is wrong."),
    "request_revoked_device": Entry(401, "The request comes from a device that was revoked."),
    "request_stale": Entry(401, "The request is too old: check the device's clock."),
    "request_early": Entry(401, "The request is from the future: check the device's clock."),
    "request_replayed": Entry(401, "The request was made before."),
    # -- devices --
    "lock_after_short": Entry(
        400, "Devices lock after a minute without contact at the earliest: say 60 or more, or 0."
    ),
    "roster_too_large": Entry(409, "There are as many devices and badges as a list can hold."),
    "badge_known": Entry(409, "This key is a badge or a device already."),
    "command_time": Entry(400, "Only a command that sets the time has a time."),
    "enrol_origin": Entry(409, "Devices can't be sent to this service: set its public address."),
    "enrol_body": Entry(400, "The enrolment request is damaged."),
    "enrol_hello": Entry(400, "The enrolment request is damaged."),
    "enrol_unknown": Entry(404, "The enrolment code is unknown: show a new one."),
    "enrol_used": Entry(409, "The enrolment code was used before: show a new one."),
    "enrol_expired": Entry(409, "The enrolment code has expired: show a new one."),
    "enrol_revoked": Entry(409, "The enrolment code was taken back: show a new one."),
    "enrol_bad_proof": Entry(400, "The device did not prove its key, or read another code."),
    "enrol_step": Entry(409, "The enrolment has not come this far, or is past this step."),
    # -- manifests --
    "manifest_moved": Entry(409, "The event's list has changed: take its newest head first."),
    "manifest_too_old": Entry(410, "The list that you have is too old: take the whole one."),
    # -- logs --
    "file_magic": Entry(400, "This is not one of Usher's files."),
    "file_version": Entry(400, "The file is of a newer version than this service."),
    "file_kind": Entry(400, "The file is not a gate's log."),
    "file_truncated": Entry(400, "The file is not whole: copy it again."),
    "file_damaged": Entry(400, "The file is damaged: copy it again."),
    "file_longer": Entry(400, "The file goes on behind its end: copy it again."),
    "file_section": Entry(400, "The file has a part that a gate's log has not."),
    "wire_vector": Entry(400, "The list of what is held of each log is not in its declared form."),
    # -- privacy --
    "erase_sign_in": Entry(403, "Give your password, or sign in again first."),
    "erase_sole_owner": Entry(409, "An organizer would have no owner: name another one first."),
    "erase_future_tickets": Entry(
        409, "You have tickets for events to come: confirm that you want to go all the same."
    ),
    # -- webhooks --
    "hook_url_malformed": Entry(400, "This is no address that could be called."),
    "hook_url_scheme": Entry(400, "A webhook is called by HTTPS alone."),
    "hook_url_private": Entry(400, "Addresses of private networks are not called."),
    "hook_topic_unknown": Entry(400, "There is no such topic: /v1/asyncapi.json lists them."),
    "hooks_too_many": Entry(409, "There are as many webhooks as there may be: remove one first."),
    "hook_not_paused": Entry(409, "This webhook is not paused."),
    "hook_paused": Entry(409, "This webhook is paused: resume it first."),
}
