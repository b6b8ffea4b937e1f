import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yvaxportal.audit.tree import NODE, leaf_hash, root_of

LEAVES = st.lists(st.binary(max_size=8), min_size=1, max_size=40).map(
    lambda contents: [leaf_hash(content) for content in contents]
)


def recursive(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1: split at the largest power of two below the length."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(NODE + recursive(leaves[:split]) + recursive(leaves[split:])).digest()


@given(LEAVES)
def test_the_root_is_the_one_of_the_definition(leaves: list[bytes]) -> None:
    assert root_of(leaves) == recursive(leaves)


@given(LEAVES, st.data())
def test_any_changed_leaf_changes_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(leaves) - 1))
    changed = [*leaves[:position], leaf_hash(b"another leaf"), *leaves[position + 1 :]]
    assert root_of(changed) != root_of(leaves)


def test_a_node_is_no_leaf() -> None:
    one, two = leaf_hash(b"1"), leaf_hash(b"2")
    assert root_of([one, two]) != leaf_hash(one + two)


def test_an_empty_batch_has_no_root() -> None:
    with pytest.raises(ValueError, match="empty"):
        root_of([])
