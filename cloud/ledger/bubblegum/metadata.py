"""What a leaf was minted as, and the two hashes of it that the leaf holds."""

from typing import Final

from msgspec import Struct
from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.borsh import Reader, option, text
from cloud.ledger.tree.hashing import keccak
from cloud.ledger.values import Schema

NON_FUNGIBLE: Final = 0
NAME, SYMBOL, URI, CREATORS = 32, 10, 200, 5
"""The longest that the program takes: bytes, bytes, bytes, and how many."""


class Creator(Struct, frozen=True):
    """Somebody who has a share of royalties, in percent. `verified`: they signed."""

    address: Pubkey
    verified: bool
    share: int

    def encode(self) -> bytes:
        """Return the bytes, which are also what is hashed."""
        return bytes(self.address) + bytes((self.verified, self.share))


class Uses(Struct, frozen=True):
    """V1's limited uses, which nothing of ours sets."""

    method: int
    remaining: int
    total: int

    def encode(self) -> bytes:
        """Return the bytes."""
        return bytes((self.method,)) + b"".join(
            number.to_bytes(8, "little") for number in (self.remaining, self.total)
        )


class Metadata(Struct, frozen=True):
    """`MetadataArgs` (V1) or `MetadataArgsV2`: V1 alone has the last four, and V2's collection
    is always verified. `royalty` is in hundredths of a percent."""

    name: str
    symbol: str
    uri: str
    royalty: int = 0
    sold_before: bool = False
    mutable: bool = False
    standard: int | None = NON_FUNGIBLE
    creators: tuple[Creator, ...] = ()
    collection: Pubkey | None = None
    collection_verified: bool = False
    edition: int | None = None
    uses: Uses | None = None
    token_program: int = 0

    def encode(self, schema: Schema) -> bytes:
        """Return the bytes as that generation's instructions carry them."""
        head = (
            text(self.name)
            + text(self.symbol)
            + text(self.uri)
            + self.royalty.to_bytes(2, "little")
            + bytes((self.sold_before, self.mutable))
        )
        standard = option(None if self.standard is None else bytes((self.standard,)))
        creators = len(self.creators).to_bytes(4, "little")
        creators += b"".join(creator.encode() for creator in self.creators)
        key = None if self.collection is None else bytes(self.collection)
        if schema is Schema.V2:
            return head + standard + creators + option(key)
        verified = None if key is None else bytes((self.collection_verified,)) + key
        edition = option(None if self.edition is None else bytes((self.edition,)))
        uses = option(None if self.uses is None else self.uses.encode())
        tail = uses + bytes((self.token_program,))
        return head + edition + standard + option(verified) + tail + creators

    def data_hash(self, schema: Schema) -> bytes:
        """Return the hash of everything, with the royalty once more."""
        inner = keccak(self.encode(schema))
        return keccak(inner + self.royalty.to_bytes(2, "little"))

    def creator_hash(self) -> bytes:
        """Return the hash of the creators."""
        return keccak(b"".join(creator.encode() for creator in self.creators))


def read_metadata(reader: Reader, schema: Schema) -> Metadata:
    """Read what `Metadata.encode` writes."""
    return _v2(reader) if schema is Schema.V2 else _v1(reader)


def _byte(reader: Reader) -> int | None:
    return reader.option(lambda: reader.number(1))


def _creator(reader: Reader) -> Creator:
    return Creator(reader.key(), reader.flag(), reader.number(1))


def _v2(reader: Reader) -> Metadata:
    return Metadata(
        name=reader.text(),
        symbol=reader.text(),
        uri=reader.text(),
        royalty=reader.number(2),
        sold_before=reader.flag(),
        mutable=reader.flag(),
        standard=_byte(reader),
        creators=tuple(reader.many(lambda: _creator(reader))),
        collection=reader.option(reader.key),
    )


def _v1(reader: Reader) -> Metadata:
    name, symbol, uri = reader.text(), reader.text(), reader.text()
    royalty, sold, mutable = reader.number(2), reader.flag(), reader.flag()
    edition, standard = _byte(reader), _byte(reader)
    collection = reader.option(lambda: (reader.flag(), reader.key()))
    uses = reader.option(lambda: Uses(reader.number(1), reader.number(8), reader.number(8)))
    token_program = reader.number(1)
    creators = tuple(reader.many(lambda: _creator(reader)))
    return Metadata(
        name=name,
        symbol=symbol,
        uri=uri,
        royalty=royalty,
        sold_before=sold,
        mutable=mutable,
        standard=standard,
        creators=creators,
        collection=collection[1] if collection else None,
        collection_verified=collection[0] if collection else False,
        edition=edition,
        uses=uses,
        token_program=token_program,
    )
