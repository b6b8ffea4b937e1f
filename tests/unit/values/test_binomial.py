"""The exact interval, against published values and its own law."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yvaxportal.values.binomial import at_most, interval, sample_size


@pytest.mark.parametrize(
    ("errors", "size", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 5 (Clopper and Pearson), 95 %.
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0, 0.1684),
        (1, 29, 0.0009, 0.1776),
        # Tables of exact limits (Clopper and Pearson 1934; Documenta Geigy).
        (5, 10, 0.1871, 0.8129),
        (10, 100, 0.0490, 0.1762),
    ],
)
def test_published_limits(errors: int, size: int, low: float, high: float) -> None:
    assert interval(errors, size, 0.95) == pytest.approx((low, high), abs=5e-5)


def test_without_an_error_the_end_has_a_closed_form() -> None:
    for size in (1, 59, 368, 5_000):
        end = 0.025 ** (1 / size)
        assert interval(0, size, 0.95) == pytest.approx((0.0, 1 - end), rel=1e-9)
        assert interval(size, size, 0.95) == pytest.approx((end, 1.0), rel=1e-9)


@pytest.mark.parametrize(
    ("tolerable", "allowed", "confidence", "size"),
    # ln(0.025)/ln(0.99) = 367.03 and so on: the first whole number that is enough.
    [(0.01, 0, 0.95, 368), (0.05, 0, 0.95, 72), (0.01, 0, 0.99, 528), (0.001, 0, 0.95, 3688)],
)
def test_sizes_of_samples(tolerable: float, allowed: int, confidence: float, size: int) -> None:
    assert sample_size(10**7, confidence, tolerable, allowed) == size
    assert sample_size(50, confidence, tolerable, allowed) == 50


@given(st.integers(1, 400), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
@settings(max_examples=60, deadline=None)
def test_each_end_has_half_of_the_rest_beyond_it(size: int, data: st.DataObject, confidence: float) -> None:
    errors = data.draw(st.integers(0, size))
    low, high = interval(errors, size, confidence)
    tail = (1 - confidence) / 2
    assert low <= errors / size <= high
    if errors < size:
        assert at_most(errors, size, high) == pytest.approx(tail, rel=1e-6)
    if errors:
        assert 1 - at_most(errors - 1, size, low) == pytest.approx(tail, rel=1e-6)


@given(st.integers(10, 100_000), st.integers(1, 3), st.sampled_from([0.005, 0.02, 0.1]))
@settings(max_examples=40, deadline=None)
def test_a_size_is_enough_and_one_fewer_is_not(population: int, allowed: int, tolerable: float) -> None:
    size = sample_size(population, 0.95, tolerable, allowed)
    if size < population:
        assert interval(allowed, size, 0.95)[1] <= tolerable + 1e-12
        assert interval(min(allowed, size - 1), size - 1, 0.95)[1] > tolerable


@pytest.mark.parametrize("wrong", [(3, 2, 0.95), (0, 0, 0.95), (1, 2, 1.0)])
def test_what_is_no_sample_has_no_interval(wrong: tuple[int, int, float]) -> None:
    with pytest.raises(ValueError, match="no interval"):
        interval(*wrong)
