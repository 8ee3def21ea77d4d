"""How the service refuses. Each refusal has a stable code; HTTP is not known here.

Expected outcomes are values. A `Refusal` ends the request or the message that met it: its
transaction is rolled back, so nothing is half done. `cloud/http/catalogue.py` gives each code
its status and its sentence, in one place.
"""


class Refusal(Exception):
    """The caller asked for what can't be had. `code` is a key of the catalogue.

    `field`: a JSON pointer or a parameter's name, where one is to blame. `accepted`: what
    would be taken instead, in words. `facts`: more members of the answer; no secret, no name.
    """

    def __init__(self, code: str, *, field: str = "", accepted: str = "", **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.accepted = accepted
        self.facts = facts
