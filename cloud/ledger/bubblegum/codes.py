"""The programs' error numbers that the ledger raises or reads."""

from enum import IntEnum


class Code(IntEnum):
    """Bubblegum's own, by their names in its interface."""

    UNSUPPORTED_SCHEMA = 6003
    CREATOR_SHARES = 6004
    DUPLICATE_CREATOR = 6005
    CREATOR_DID_NOT_VERIFY = 6006
    CREATORS_TOO_LONG = 6011
    NAME_TOO_LONG = 6012
    SYMBOL_TOO_LONG = 6013
    URI_TOO_LONG = 6014
    ROYALTY_TOO_HIGH = 6015
    TREE_AUTHORITY_INCORRECT = 6016
    MINT_CAPACITY = 6017
    INCORRECT_OWNER = 6019
    COLLECTION_CANNOT_BE_VERIFIED = 6020
    COLLECTION_NOT_FOUND = 6021
    LEAF_AUTHORITY_MUST_SIGN = 6025
    COLLECTION_AUTHORITY = 6028
    COLLECTION_MISMATCH = 6036
    TOKEN_STANDARD = 6040
    CANOPY_SIZE = 6041
    FROZEN = 6045
    SOULBOUND = 6046
    INVALID_AUTHORITY = 6047
    COLLECTION_FROZEN = 6048
    NO_BUBBLEGUM_PLUGIN = 6049
    NOT_AVAILABLE = 6050
    MISSING_COLLECTION = 6051
    MISSING_CORE_SIGNER = 6055


class Compression(IntEnum):
    """Those of the programs that keep trees."""

    TREE = 6001  # every refusal of the tree itself: above all a stale proof
    CONSTANTS = 6003
    OWNER = 6006


class Anchor(IntEnum):
    """Those of the framework that all of them are written in."""

    UNKNOWN_INSTRUCTION = 101
    NOT_DESERIALIZED = 102
    NOT_WRITABLE = 2000
    HAS_ONE = 2001
    OWNER = 2004
    SEEDS = 2006
    NOT_ZERO = 2013
    DISCRIMINATOR = 3002
    TOO_FEW_ACCOUNTS = 3005
    WRONG_OWNER = 3007
    WRONG_PROGRAM = 3008
    NOT_SIGNER = 3010
    NOT_INITIALIZED = 3012
