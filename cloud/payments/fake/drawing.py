"""The fake's pages as HTML: no script, nothing from elsewhere, everything escaped. Pure."""

from collections.abc import Iterable
from html import escape
from typing import Final

from cloud.currencies import written
from cloud.payments.fake.cards import CARDS
from cloud.payments.fake.refusals import Body
from cloud.payments.units import places

STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: #f4f4f2; color: #1b1b1a }
main { max-width: 28rem; margin: 2rem auto; padding: 1.5rem; background: #fff;
       border: 1px solid #d9d9d4; border-radius: 8px }
h1 { font-size: 1.25rem; margin: 0 0 1rem }
.amount { font-size: 2rem; font-weight: 600; margin: 0 0 1rem }
fieldset { border: 0; margin: 0 0 1rem; padding: 0 }
label { display: flex; gap: .5rem; padding: .5rem; border-radius: 6px }
label:has(:checked) { background: #e8eefc }
.last4 { margin-left: auto; color: #63635e }
button { font: inherit; padding: .6rem 1.2rem; border: 0; border-radius: 6px;
         background: #1d4ed8; color: #fff; cursor: pointer; margin-right: .5rem }
button.plain { background: #e4e4e0; color: #1b1b1a }
.said { padding: .5rem .75rem; background: #fdecea; border-radius: 6px }
footer { margin-top: 1.5rem; font-size: .85rem; color: #63635e }
"""


def checkout(intent: Body, back: str, said: str = "") -> str:
    """Return the page on which a card is chosen."""
    return _page(
        "Pay",
        _amount(intent),
        f'<p class="said" role="alert">{escape(said)}</p>' if said else "",
        '<form method="post"><fieldset><legend>Test card</legend>',
        *_cards(),
        f'</fieldset><input type="hidden" name="return_url" value="{escape(back)}">',
        "<button>Pay</button></form>",
    )


def question(intent: Body) -> str:
    """Return the page on which the bank asks whether it is really the buyer."""
    return _page(
        "Your bank asks: is this you?",
        _amount(intent),
        '<form method="post"><button name="outcome" value="complete">Complete</button>',
        '<button class="plain" name="outcome" value="fail">Fail</button></form>',
    )


def told(title: str, text: str) -> str:
    """Return a page that only says something."""
    return _page(title, f"<p>{escape(text)}</p>")


def money(amount: int, currency: str) -> str:
    """Return an amount of Stripe's units as people write it."""
    return written(amount, currency, places(currency))


def _amount(intent: Body) -> str:
    return f'<p class="amount">{escape(money(intent["amount"], intent["currency"]))}</p>'


def _cards() -> Iterable[str]:
    for place, (named, card) in enumerate(CARDS.items()):
        checked = "" if place else " checked"
        yield (
            f'<label><input type="radio" name="payment_method" value="{named}"{checked}>'
            f'{escape(card.shown)}<span class="last4">•••• {card.last4}</span></label>'
        )


def _page(title: str, *parts: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{''.join(parts)}"
        "<footer>A test payment. No money moves.</footer></main></body></html>"
    )
