"""Signing and verifying, against PyNaCl's own operations on the same bytes."""

import sys

import msgspec
from nacl.bindings import crypto_sign, crypto_sign_open

from benchmarks.event import EVENT, ISSUER_KEY, NOW, trusted_keys
from benchmarks.report import Row, rates
from shared import hashing, keys
from shared.presentation import Freshness
from shared.token import DOMAIN, STATIC, Token, encode_text, issue_many
from shared.verify import verify

PUBLIC = keys.public_key(ISSUER_KEY)
BATCH = 1000
ROUNDS = 100  # 100,000 tickets


def main() -> None:
    """Print rows as JSON."""
    tokens = [
        Token(STATIC, 0, hashing.kid(PUBLIC), EVENT, i.to_bytes(16, "big"), 0, 1, 2_000_000_000)
        for i in range(BATCH)
    ]
    issued = list(issue_many(tokens, ISSUER_KEY))
    bodies = [DOMAIN + raw[:-64] for raw in issued]
    signed = [raw[-64:] + body for raw, body in zip(issued, bodies, strict=True)]
    texts = [encode_text(raw) for raw in issued]
    trusted = trusted_keys()
    policy = Freshness()

    def ours() -> int:
        return len([verify(text, trusted, NOW, policy) for text in texts])

    def raw() -> int:
        return len([crypto_sign_open(message, PUBLIC) for message in signed])

    def sign_ours() -> int:
        return len(list(issue_many(tokens, ISSUER_KEY)))

    def sign_raw() -> int:
        return len([crypto_sign(body, ISSUER_KEY) for body in bodies])

    verified, opened = rates(ROUNDS // 4, ours, raw)
    made, plain = rates(ROUNDS, sign_ours, sign_raw)
    rows = [
        Row("verify a static ticket, share of raw", 100 * verified / opened, "%", 70, "at least",
            f"{verified:,.0f}/s against {opened:,.0f}/s raw Ed25519 verifications"),
        Row("sign 100,000 tickets, share of raw", 100 * made / plain, "%", 70, "at least",
            f"{made:,.0f}/s against {plain:,.0f}/s raw Ed25519 signatures"),
    ]  # fmt: skip
    sys.stdout.buffer.write(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
