"""Exact intervals, against published values, plain counting and their own law."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from yvaxportal.values.binomial import at_most, at_most_of, interval, sample_size


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
    # Of very many things the share is as uncertain as of endlessly many.
    assert interval(errors, size, 0.95, 10**8) == pytest.approx((low, high), abs=6e-5)


def test_without_an_error_the_end_has_a_closed_form() -> None:
    for size in (1, 59, 368, 5_000):
        end = 0.025 ** (1 / size)
        assert interval(0, size, 0.95) == pytest.approx((0.0, 1 - end), rel=1e-9)
        assert interval(size, size, 0.95) == pytest.approx((end, 1.0), rel=1e-9)


@pytest.mark.parametrize(
    ("tolerable", "confidence", "size"),
    # ln(0.025)/ln(0.99) = 367.03 and so on: the first whole number that is enough of endlessly many.
    [(0.01, 0.95, 368), (0.05, 0.95, 72), (0.01, 0.99, 528), (0.001, 0.95, 3688)],
)
def test_sizes_of_samples(tolerable: float, confidence: float, size: int) -> None:
    assert sample_size(10**9, confidence, tolerable) == size
    assert sample_size(1_000, confidence, tolerable) < size


def test_whoever_looked_at_all_knows() -> None:
    assert interval(3, 40, 0.95, 40) == (3 / 40, 3 / 40)
    assert interval(0, 40, 0.95, 40) == (0.0, 0.0)
    # With 49 of 50 seen the one that is left is wrong with a chance of 2 %.
    assert sample_size(50, 0.95, 0.01) == 49
    assert sample_size(1, 0.95, 0.01, 3) == 1


@given(st.integers(1, 60), st.data())
def test_the_tail_is_that_of_counting(population: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, population))
    wrong = data.draw(st.integers(0, population))
    errors = data.draw(st.integers(0, population))
    ways = sum(
        comb(wrong, count) * comb(population - wrong, size - count) for count in range(min(errors, size) + 1)
    )
    plain = Fraction(ways, comb(population, size))
    assert at_most_of(errors, size, wrong, population) == pytest.approx(float(plain), abs=1e-9)


@given(st.integers(1, 40), st.data(), st.sampled_from([0.8, 0.95]))
@settings(max_examples=60, deadline=None)
def test_the_interval_of_few_holds_just_what_is_not_too_rare(
    population: int, data: st.DataObject, confidence: float
) -> None:
    size = data.draw(st.integers(1, population))
    errors = data.draw(st.integers(0, size))
    tail = (1 - confidence) / 2
    possible = []
    for wrong in range(errors, population - (size - errors) + 1):
        chances = [
            Fraction(comb(wrong, count) * comb(population - wrong, size - count), comb(population, size))
            for count in range(size + 1)
        ]
        tails = sum(chances[: errors + 1]), sum(chances[errors:])
        assume(all(abs(chance - tail) > 1e-9 for chance in tails))
        if min(tails) > tail:
            possible.append(wrong)
    low, high = interval(errors, size, confidence, population)
    assert (round(low * population), round(high * population)) == (possible[0], possible[-1])


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


@given(st.integers(10, 100_000), st.integers(0, 3), st.sampled_from([0.005, 0.02, 0.1]))
@settings(max_examples=40, deadline=None)
def test_a_size_is_enough_and_one_fewer_is_not(population: int, allowed: int, tolerable: float) -> None:
    size = sample_size(population, 0.95, tolerable, allowed)
    if size < population:
        assert interval(allowed, size, 0.95, population)[1] <= tolerable + 1e-12
    if size - 1 > allowed:
        assert interval(allowed, size - 1, 0.95, population)[1] > tolerable


@pytest.mark.parametrize("wrong", [(3, 2, 0.95, None), (0, 0, 0.95, None), (1, 2, 1.0, None), (1, 5, 0.9, 4)])
def test_what_is_no_sample_has_no_interval(wrong: tuple[int, int, float, int | None]) -> None:
    with pytest.raises(ValueError, match="no interval"):
        interval(*wrong)
