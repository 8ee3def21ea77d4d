"""How figures of many tenants are put together."""

from cloud.watch.figures import OTHERS, Figure, bounded


def test_few_tenants_have_their_own() -> None:
    figures = [Figure("hall", "tickets_sold", 3.0), Figure("club", "messages_dead", 1.0)]
    assert bounded(figures, own=2) == sorted(figures)


def test_of_many_the_busiest_have_their_own_and_the_rest_is_one() -> None:
    figures = [
        Figure(f"t{sold}", name, float(sold))
        for sold in range(1, 6)
        for name in ("tickets_sold", "messages_oldest_seconds")
    ]
    assert bounded(figures, own=2) == [
        Figure(OTHERS, "messages_oldest_seconds", 3.0),  # the oldest
        Figure(OTHERS, "tickets_sold", 6.0),  # all together
        Figure("t4", "messages_oldest_seconds", 4.0),
        Figure("t4", "tickets_sold", 4.0),
        Figure("t5", "messages_oldest_seconds", 5.0),
        Figure("t5", "tickets_sold", 5.0),
    ]
