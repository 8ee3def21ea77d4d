"""Without credentials: what is for everybody is on a list, and the rest answers 401."""

import json
from typing import Final

from tests.cloud.api.operations import Operation, send, with_ids
from tests.cloud.api.scene import Ids, Side

PUBLIC: Final = {
    "alive": "asked by whoever watches the process",
    "ready": "asked by whoever watches the process",
    "signUp": "who has no account yet",
    "verifyAddress": "the mailed secret is the proof",
    "askPasswordReset": "who can't sign in",
    "resetPassword": "the mailed secret is the proof",
    "signIn": "who has no token yet",
    "signInOutside": "the outside issuer's token is the proof",
    "refreshSession": "the refresh token is the proof",
    "issueClientToken": "the client's secret is the proof",
    "readJwks": "public keys",
    "readIssuer": "public metadata",
    "listEvents": "what is on sale",
    "readEvent": "what is on sale",
    "listClasses": "what is on sale",
    "listSeats": "what is on sale",
    "readKeyset": "public keys, signed",
    "readRoot": "a public key",
    "lookAtOffer": "the link's secret is the proof",
    "sayHello": "the offer's code is the proof",
    "revealNonce": "the offer's code is the proof",
    "readOwnEnrolment": "the offer's code is the proof",
    "describeMessages": "a document of this build",
    "hearStripe": "the provider's signature is the proof",
}


def test_what_needs_no_credentials_is_on_the_list(operations: list[Operation]) -> None:
    """And nothing else: an operation that is opened by mistake fails here."""
    assert {each.name for each in operations if not each.schemes} == set(PUBLIC)


def test_everything_else_answers_401(operations: list[Operation], ours: Side) -> None:
    """With ids that exist and bodies that are right, and no row changes."""
    before, wrong = ours.state, {}
    stranger = ours.service.client()
    for each in operations:
        if each.schemes:
            values = ours.path_values(each.names) if each.of_tenant else Ids(ours)
            answer = send(stranger, each, values, with_ids(each.body()[1], ours.values))
            if answer.status_code != 401 or "www-authenticate" not in answer.headers:
                wrong[each.name] = (answer.status_code, answer.text[:200])
    assert wrong == {}, json.dumps(wrong, indent=1)
    assert ours.state == before
