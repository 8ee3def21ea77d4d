"""What somebody answered at a gate is theirs: it does not go with the ticket to another owner."""

from tests.cloud.service import Service, good

ANSWER = "Ada's allergy"
QUESTIONS = [{"id": 1, "text": "Anything we should know?", "required": True}]
LEFT = "SELECT count(*) AS left FROM attachment WHERE convert_from(body, 'UTF8') LIKE $1"


def test_a_new_owner_is_not_told_what_the_old_one_answered(service: Service) -> None:
    """Entered with an answer, taken back, handed over: the answer is gone, and not exported."""
    owner, giver, taker = service.person(), service.person(), service.person()
    tenant = service.tenant(owner)
    event = service.event(owner, tenant, entry={"zones": [1], "questions": QUESTIONS})
    ticket = f"{event.path}/tickets/{service.buy(giver, event)['items'][0]['ticket_id']}"
    code = giver.get(f"{ticket}/code.txt").text
    scan = {"code": code, "gate": 1, "answers": {"1": ANSWER}}
    (entry,) = good(owner.post(f"{event.path}/redeem", json=scan))["entries"]
    assert ANSWER in giver.get("/v1/accounts/me/export").text
    good(owner.post(f"{event.path}/undo", json={"entry": entry}))
    secret = good(giver.post(f"{ticket}/transfers", json={}))["secret"]
    good(taker.post(f"{tenant.path}/transfers/accept", json={"secret": secret}))
    assert ANSWER not in taker.get("/v1/accounts/me/export").text
    assert service.database.rows(LEFT, f"%{ANSWER}%")[0]["left"] == 0
