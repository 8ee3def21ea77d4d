"""One caller's idempotency key is one effect, whichever of their sessions sends it."""

from concurrent.futures import ThreadPoolExecutor

from tests.cloud.service import PASSWORD, Service, good


def test_two_sessions_with_one_key_are_answered_alike(service: Service) -> None:
    """The same scan from two sessions at once, with one key: every answer is the first one."""
    owner, buyer = service.person(), service.person()
    event = service.event(owner, service.tenant(owner))
    order = service.buy(buyer, event, 5)
    said = {"email": owner.email, "password": PASSWORD}
    second = good(service.client().post("/v1/sessions", json=said))["access_token"]
    both = (owner, service.client(f"Bearer {second}"))
    for item in order["items"]:
        ticket = item["ticket_id"]
        code = buyer.get(f"{event.path}/tickets/{ticket}/code.txt").text
        scan, key = {"code": code, "gate": 1}, {"idempotency-key": ticket}
        with ThreadPoolExecutor(8) as pool:
            asked = [
                pool.submit(each.post, f"{event.path}/redeem", json=scan, headers=key)
                for each in both * 4
            ]
        answers = [good(each.result()) for each in asked]
        assert {answer["code"] for answer in answers} == {"admitted"}
        assert len({tuple(answer["entries"]) for answer in answers}) == 1
