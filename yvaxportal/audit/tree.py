"""The hash tree over one batch of events, as RFC 6962 builds it: leaves and nodes hash differently."""

import hashlib
from collections.abc import Sequence

LEAF, NODE, CHAIN = b"\x00", b"\x01", b"\x02"
#: The chain before the first seal.
START = bytes(32)


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of one event's canonical bytes."""
    return hashlib.sha256(LEAF + content).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over the leaf hashes; ValueError for an empty batch."""
    if not leaves:
        raise ValueError("an empty batch has no root")
    level = list(leaves)
    while len(level) > 1:
        # The odd one out goes up unchanged: the left part is always a whole power of two.
        pairs = [hashlib.sha256(NODE + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def chain_hash(previous: bytes, root: bytes, horizon: str, leaf_count: int) -> bytes:
    """Return the chain value of a seal: it commits to every seal before it."""
    tail = f"|{horizon}|{leaf_count}".encode("ascii")
    return hashlib.sha256(CHAIN + previous + root + tail).digest()
