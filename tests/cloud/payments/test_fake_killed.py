"""The fake, killed with SIGKILL: what it has answered still holds, and webhooks go on."""

import contextlib
import threading
from pathlib import Path

import httpx
import pytest

from tests.cloud.payments import processes
from tests.cloud.payments.letterbox import Letterbox
from tests.cloud.payments.processes import SECRET, Running

FORM = {"amount": 500, "currency": "eur", "payment_method": "pm_card_visa", "confirm": "true"}


def test_webhooks_that_wait_outlive_the_process(tmp_path: Path, letterbox: Letterbox) -> None:
    """Events that were not delivered before the kill come after it, and payments are as before."""
    data = tmp_path / "fake.db"
    with processes.fake(data) as running:
        intent = running.paid()
        running.kill()
    endpoint = ("--webhook", letterbox.url, "--webhook-secret", SECRET)
    with processes.fake(data, *endpoint) as running:
        assert running.http.get(f"/v1/payment_intents/{intent['id']}").json() == intent
        events = [letter.event() for letter in letterbox.wait(3)]
    assert len({event.id for event in events}) == 3


def test_held_webhooks_and_faults_outlive_the_process(tmp_path: Path) -> None:
    """What a test asked for stays asked for."""
    data = tmp_path / "fake.db"
    with processes.fake(data) as running:
        running.test("mail", mode="hold", copies=2)
        running.test("faults", kind="rate_limit")
        running.kill()
    with processes.fake(data) as running:
        assert running.post("/v1/payment_intents", FORM).status_code == 429
        running.intent()
        assert [each["state"] for each in running.deliveries()] == ["held", "held"]


@pytest.mark.parametrize("after", [1, 20])
def test_an_answer_that_was_given_holds(tmp_path: Path, after: int) -> None:
    """Killed amid payments: each that was answered is replayed, and none is there twice."""
    data = tmp_path / "fake.db"
    answered: dict[str, str] = {}
    with processes.fake(data) as running:
        enough = threading.Event()
        buyers = [
            threading.Thread(target=_buy, args=(running, number, answered, after, enough))
            for number in range(3)
        ]
        for buyer in buyers:
            buyer.start()
        assert enough.wait(processes.PATIENCE)
        running.process.kill()
        for buyer in buyers:
            buyer.join()
        running.kill()
    assert len(answered) >= after
    with processes.fake(data) as running:
        for key, intent_id in answered.items():
            assert running.post("/v1/payment_intents", FORM, key).json()["id"] == intent_id
        sums = {each["kind"]: each for each in running.http.get("/_test/sums").json()["sums"]}
    assert sums["payment_intent"]["count"] == sums["charge"]["count"] >= len(answered)
    assert sums["charge"]["status"] == "succeeded"


def _buy(
    running: Running, number: int, answered: dict[str, str], after: int, enough: threading.Event
) -> None:
    """Pay again and again until the fake is gone."""
    with (
        httpx.Client(base_url=running.address, trust_env=False) as http,
        contextlib.suppress(httpx.HTTPError),
    ):
        for turn in range(10**6):
            key = f"{number}-{turn}"
            headers = {"Authorization": f"Bearer {processes.KEY}", "Idempotency-Key": key}
            answer = http.post("/v1/payment_intents", data=FORM, headers=headers)
            answered[key] = answer.json()["id"]
            if len(answered) >= after:
                enough.set()
