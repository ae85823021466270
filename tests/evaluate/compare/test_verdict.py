"""Verdicts: what they say of given arrays, and how often they are right over simulated studies.

Right or wrong is drawn from `logit p = 6 + 3 * image + own * image' + seed + shift`: an image's difficulty
that both recipes share, one of the second recipe alone, and a seed that makes a whole replicate better or
worse.
"""

import itertools
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlens.errors import HandlensError
from handlens.evaluate import verdict
from handlens.evaluate.compare import difference, verdicts
from handlens.evaluate.compare.planning import needed

SOAK = bool(os.environ.get("HANDLENS_SOAK"))
TURNED = {"better": "worse", "worse": "better", "equivalent": "equivalent", "undecided": "undecided"}


def right(rng, chance):
    return rng.random(chance.shape, dtype=np.float32) < chance


def draw(rng, base, seeds, replicates, shift=0.0):
    """bool [replicates, images]"""
    logits = base + shift + seeds * rng.standard_normal((replicates, 1))
    return right(rng, 1 / (1 + np.exp(-logits)))


def images(rng, n):
    return 6 + 3 * rng.standard_normal(n)


@st.composite
def pairs(draw, least=1):
    replicates, n = draw(st.integers(least, 5)), draw(st.integers(2, 200))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    base = rng.random(n)
    return tuple(rng.random((replicates, n)) < base * draw(st.floats(0.5, 1)) for _ in range(2))


@settings(max_examples=50)
@given(pairs(), st.floats(0.001, 0.3))
def test_swapping_the_recipes_swaps_the_verdict(pair, margin):
    one, other = verdict(*pair, margin), verdict(*pair[::-1], margin)
    assert other.kind == TURNED[one.kind]
    assert (other.further, other.images_needed) == (one.further, one.images_needed)
    assert other.difference.mean == pytest.approx(-one.difference.mean)


@given(pairs(), st.floats(0.001, 0.9))
def test_equal_inputs_are_never_better(pair, margin):
    assert verdict(pair[0], pair[0], margin).kind in ("equivalent", "undecided")


@settings(max_examples=50)
@given(pairs(least=2), st.floats(0.001, 0.9))
def test_the_interval_tells_the_verdict_of_a_single_pair(pair, margin):
    found = verdict(*pair, margin)
    low, high = found.difference.low, found.difference.high
    assert low <= found.difference.mean <= high
    if found.kind == "equivalent":
        assert -margin <= low
        assert high <= margin
    elif found.kind == "undecided":
        assert low <= 1e-9
        assert high >= -1e-9
    else:
        assert (low >= -1e-9) if found.kind == "better" else (high <= 1e-9)
    assert found.kind == "undecided" or (found.further, found.images_needed) == (None, None)


def test_one_replicate_decides_nothing_about_recipes():
    first, second = np.ones((1, 1000), bool), np.ones((1, 1000), bool)
    second[0, :300] = False
    found = verdict(first, second)
    assert found.kind == "undecided"
    assert (found.further, found.images_needed) == (None, None)
    assert found.mcnemar.first_only == 300
    assert found.mcnemar.p < 1e-6
    assert verdict(np.repeat(first, 3, 0), np.repeat(second, 3, 0)).mcnemar is None


def test_a_clear_difference_and_one_that_does_not_matter():
    rng = np.random.default_rng(0)
    base = images(rng, 10_000)
    first, second = draw(rng, base, 0.05, 5), draw(rng, base, 0.05, 5, shift=-0.5)
    assert verdict(first, second).kind == "better"
    assert verdict(second, first).kind == "worse"
    assert verdict(first, second, margin=0.05).kind == "equivalent"  # clearly not zero, and less than matters
    assert verdict(first, second, margin=0.05).p_different < 0.05


def test_never_seen_to_differ_on_few_images_is_not_equivalent_on_others():
    few, many = np.ones((5, 200), bool), np.ones((5, 20_000), bool)
    found = verdict(few, few)
    assert (found.kind, found.further) == ("undecided", None)
    assert found.images_needed > 200
    assert verdict(many, many).kind == "equivalent"


def test_company_makes_verdicts_more_careful():
    rng = np.random.default_rng(1)
    base = images(rng, 2000)
    pair = draw(rng, base, 0.1, 4), draw(rng, base, 0.1, 4, shift=-0.6)
    alone = verdict(*pair)
    in_company = verdicts([pair] * 40)
    assert alone.kind == "better"
    assert in_company[0].kind == "undecided"
    assert in_company[0].difference == alone.difference
    assert in_company[0].p_different == pytest.approx(min(1, 40 * alone.p_different))
    assert in_company[0].pairs == 40


def test_pairs_of_one_replicate_are_no_company():
    rng = np.random.default_rng(2)
    base = images(rng, 2000)
    pair = draw(rng, base, 0.1, 4), draw(rng, base, 0.1, 4, shift=-0.6)
    single = pair[0][:1], pair[1][:1]
    assert verdicts([pair, *[single] * 40])[0].kind == "better"
    assert verdicts([]) == ()


def test_what_images_hide_no_replicate_shows():
    """Recipes that are good at different images: their difference on 300 images is the images' choice."""
    rng = np.random.default_rng(3)
    base = images(rng, 300)
    other = 6 + 3 * rng.standard_normal(300)
    found = verdict(draw(rng, base, 0.05, 8), draw(rng, other, 0.05, 8))
    assert (found.kind, found.further) == ("undecided", None)
    assert found.images_needed > 3000


def test_a_large_difference_on_few_images_does_not_ask_for_hundreds_of_thousands():
    """As many images as are asked for then settle it."""
    rng = np.random.default_rng(4)

    def pair(n):
        base = 2 + 2 * rng.standard_normal(n)
        own = [base + 0.6 * rng.standard_normal(n) for _ in range(2)]
        return draw(rng, own[0], 0.05, 8), draw(rng, own[1], 0.05, 8, shift=-0.8)

    found = [one for one in (verdict(*pair(48)) for _ in range(8)) if one.kind == "undecided"]
    assert len(found) > 2
    for one in found:
        assert one.images_needed is not None
        assert 48 < one.images_needed < 20_000
        assert verdict(*pair(one.images_needed)).kind == "better"


@pytest.mark.parametrize("margin", [0, -0.1, 1.0, float("nan"), float("inf")])
def test_an_impossible_margin_is_said_in_one_line(margin):
    with pytest.raises(HandlensError, match="margin"):
        verdict(np.ones((2, 5), bool), np.ones((2, 5), bool), margin)


@settings(max_examples=50)
@given(pairs(least=2), st.floats(0.001, 0.3))
def test_a_plan_is_within_reason(pair, margin):
    found = needed(difference(*pair), margin)
    assert found.replicates is None or 1 <= found.replicates <= 200
    assert found.images is None or pair[0].shape[1] <= found.images <= 10_000 * pair[0].shape[1] + 1


@pytest.mark.parametrize("seeds", [0.0, 0.1, 0.3] if SOAK else [0.3])
@pytest.mark.parametrize("replicates", [2, 3, 5])
def test_the_same_recipe_twice_is_called_better_in_at_most_5_percent(replicates, seeds):
    """250 studies: a standard error of 1.4 points. Without the seeds' part it is 15 % and more at 0.3."""
    rng = np.random.default_rng(10 * replicates)
    studies = 4000 if SOAK else 250
    claims = 0
    for _ in range(studies):
        base = images(rng, 1000)
        found = verdict(draw(rng, base, seeds, replicates), draw(rng, base, seeds, replicates))
        claims += found.kind in ("better", "worse")
    assert claims / studies <= (0.057 if SOAK else 0.08)


def test_a_study_of_one_recipe_five_times_claims_a_difference_in_at_most_5_percent():
    """80 studies of ten pairs: without Holm's method a quarter of them would."""
    rng = np.random.default_rng(5)
    studies = 2000 if SOAK else 80
    claims = 0
    for _ in range(studies):
        base = images(rng, 600)
        recipes = [draw(rng, base, 1.0, 4) for _ in range(5)]
        claims += any(
            v.kind in ("better", "worse") for v in verdicts(list(itertools.combinations(recipes, 2)))
        )
    assert claims / studies <= (0.06 if SOAK else 0.1)


@pytest.mark.parametrize(("replicates", "seeds"), [(1, 0.0), (2, 0.1), (3, 0.1), (3, 0.3)])
def test_the_interval_of_a_difference_covers_it(replicates, seeds):
    """Recipes that differ, on images that suit them differently; the truth is that of 300,000 images."""
    rng = np.random.default_rng(replicates)
    many = np.random.default_rng(99).standard_normal((3, 300_000))

    def chance(z):
        return 1 / (1 + np.exp(-z))

    logits = 6 + 3 * many[0] + seeds * many[2]
    truth = float((chance(logits + 0.5 * many[1] + 0.3) - chance(logits)).mean())
    studies = 3000 if SOAK else 200
    hits = 0
    for _ in range(studies):
        base = images(rng, 800)
        other = base + 0.5 * rng.standard_normal(800)
        found = difference(draw(rng, other, seeds, replicates, 0.3), draw(rng, base, seeds, replicates))
        interval = found.interval()
        hits += interval.low <= truth <= interval.high
    low, high = (0.93, 0.985) if SOAK else (0.91, 1.0)
    assert low <= hits / studies <= high


@pytest.mark.parametrize(
    ("replicates", "seeds", "own", "shift"),
    [
        (3, 0.1, 0.3, 0.2),
        (3, 0.3, 0.2, 0.15),
        *([(2, 0.3, 0.0, 0.0), (2, 0.3, 0.2, 0.15), (3, 0.3, 0.0, 0.0), (5, 0.3, 0.2, 0.15)] if SOAK else []),
    ],
)
def test_the_replicates_that_were_asked_for_settle_four_of_five(replicates, seeds, own, shift):
    """From the second case on a seed moves a replicate by 1.2 margins; a `shift` of 0.15 is 0.6 margins."""
    rng = np.random.default_rng(7)
    asked = settled = 0
    while asked < (400 if SOAK else 30):
        base = images(rng, 1500)
        other = base + own * rng.standard_normal(1500)
        sides = [draw(rng, base, seeds, replicates), draw(rng, other, seeds, replicates, shift)]
        found = verdict(*sides, margin=0.006)
        if found.further is None:
            continue
        asked += 1
        more = draw(rng, base, seeds, found.further), draw(rng, other, seeds, found.further, shift)
        found = verdict(*(np.concatenate(both) for both in zip(sides, more, strict=True)), margin=0.006)
        settled += found.kind != "undecided"
    assert settled / asked >= (0.8 if SOAK else 0.72)
