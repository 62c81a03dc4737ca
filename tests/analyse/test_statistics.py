"""The crossed interval against the test vector, against brute force, and in its extremes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special, stats

from headstart.analyse.statistics import FAR, POWER, Crossed, crossed, noncentrality

T = ["11011101", "11110111", "10111111"]
C = ["10011101", "11010101", "10101101"]


def table(rows: list[str]) -> np.ndarray:
    return np.array([[int(digit) for digit in row] for row in rows])


def test_vector_v8() -> None:
    result = crossed(table(T) - table(C))
    assert result.mean == pytest.approx(0.2083333333)
    assert result.between_seeds == pytest.approx(0.0416666667)
    assert result.between_images == pytest.approx(0.1845238095)
    assert result.rest == pytest.approx(0.1845238095)
    assert result.error == pytest.approx(0.0876840468)
    assert result.df == pytest.approx(4.1704896)
    assert result.p_value == pytest.approx(0.0736839902)
    assert result.interval(0.95) == pytest.approx((-0.0312414, 0.4479081), abs=1e-6)
    assert result.interval(0.90) == pytest.approx((0.0235785, 0.3930881), abs=1e-6)


SIGNS = st.integers(-1, 1)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.int8, st.tuples(st.integers(2, 6), st.integers(2, 9)), elements=st.integers(-1, 1))
)
def test_mean_squares_are_those_of_the_two_way_table(differences: np.ndarray) -> None:
    """Sums of squares add up to the total, and the order of seeds and images does not matter."""
    if not differences.any():
        with pytest.raises(ValueError, match="arms identical"):
            crossed(differences)
        return
    result = crossed(differences)
    seeds, images = differences.shape
    total = ((differences - differences.mean()) ** 2).sum()
    parts = (
        (seeds - 1) * result.between_seeds
        + (images - 1) * result.between_images
        + (seeds - 1) * (images - 1) * result.rest
    )
    assert parts == pytest.approx(total, abs=1e-9)
    real = crossed(differences.astype(float))
    assert result.interval(0.95) == pytest.approx(real.interval(0.95))
    shuffled = crossed(differences[::-1, ::-1])
    assert shuffled.interval(0.95) == pytest.approx(result.interval(0.95))
    turned = crossed(-differences)
    assert turned.interval(0.95) == pytest.approx([-end for end in result.interval(0.95)[::-1]])


def test_differences_that_cancel_out_leave_an_interval_with_a_width() -> None:
    """Rows and columns of the table sum to nothing, its cells do not: nothing is certain."""
    result = crossed(np.array([[-1, 1, 0], [1, -1, 0]]))
    low, high = result.interval(0.95)
    assert low == pytest.approx(-high)
    assert high > 0.5


def test_an_interval_ends_where_no_difference_can_lie() -> None:
    """Two seeds that disagree say nothing at a strict level: the interval is all there is."""
    result = crossed(np.array([[1, 1, 0, 1], [0, -1, 1, 0]]))
    assert result.cautious_interval(0.001) == (-1, 1)
    assert result.interval(0.999) == (-1, 1)
    low, high = crossed(np.array([[1] * 20, [1] * 18 + [0] * 2, [1] * 20])).interval(0.95)
    assert 0 < low < high == 1


@pytest.mark.parametrize("images", [2, 4, 6, 300])
def test_the_same_difference_everywhere_is_as_sure_as_the_sign_test_of_its_images(
    images: int,
) -> None:
    result = crossed(np.ones((3, images), np.int8))
    expected = stats.binomtest(images, images).pvalue
    low, high = result.interval(0.95)
    assert result.p_value == result.cautious_p == pytest.approx(expected)
    assert (low > 0) == (expected < 0.05)
    assert high == 1
    assert result.cautious_interval(0.05) == pytest.approx((low, high))


def test_without_differences_between_images_it_is_the_paired_t_test() -> None:
    """Every image alike within a seed: only seeds vary, and the interval is the paired t's."""
    gains = np.array([0.01, 0.03, 0.02, 0.05])
    result = crossed(np.repeat(gains[:, None], 50, axis=1))
    low, high = stats.ttest_1samp(gains, 0).confidence_interval(0.95)
    assert result.interval(0.95) == pytest.approx((low, high))


@pytest.mark.parametrize("df", [1 / 3, 0.5, 1, 2, 4.5, 30])
def test_the_noncentrality_of_a_large_t_is_that_of_the_exact_one(df: float) -> None:
    exact = special.nctdtrinc(df, 1 - POWER, FAR)
    assert noncentrality(df, FAR) == pytest.approx(exact, rel=2e-4)
    assert noncentrality(df, FAR * (1 - 1e-9)) == pytest.approx(exact, rel=1e-6)


def test_two_images_in_two_seeds_at_a_strict_level_take_no_time() -> None:
    """A third of a degree of freedom, so that the critical t has nine digits."""
    found = crossed(np.array([[-1, 0], [0, 0]]))
    assert found.df == pytest.approx(1 / 3)
    assert found.detectable(0.00125) > 1e6
    assert found.seeds_needed(0.01, 0.00125) is None
    assert found.seeds_needed(0.5, 0.05) is not None


@pytest.mark.parametrize(
    ("seeds", "effect_per_sd"), [(3, 3.27), (5, 1.69), (6, 1.44), (8, 1.16), (10, 1.00), (20, 0.67)]
)
def test_detectable_effects_are_those_of_the_table(seeds: int, effect_per_sd: float) -> None:
    """The smallest, in units of the standard deviation of the paired seed differences."""
    gains = np.random.default_rng(0).normal(size=seeds)
    result = crossed(np.repeat(gains[:, None], 40, axis=1))
    assert result.detectable(0.05) / gains.std(ddof=1) == pytest.approx(effect_per_sd, abs=0.01)


@pytest.mark.parametrize(("ratio", "needed"), [(0.5, 34), (0.75, 16), (1.0, 10), (2.0, 5)])
def test_seeds_needed_are_those_of_the_table(ratio: float, needed: int) -> None:
    gains = np.array([-1.0, 0.0, 1.0])  # standard deviation 1
    result = crossed(np.repeat(gains[:, None] + 0.2, 40, axis=1))
    assert result.seeds_needed(ratio, 0.05) == needed


def test_no_number_of_seeds_helps_where_the_images_are_the_limit() -> None:
    differences = np.zeros((4, 40))
    differences[:, :3] = 1  # the same three images in every seed
    differences[0, 5] = -1
    result = crossed(differences)
    assert result.seeds_needed(0.005, 0.05) is None


@pytest.mark.parametrize("shape", [(1, 10), (5, 1)])
def test_too_small_tables_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="needs two seeds and two images"):
        crossed(np.ones(shape))


def test_identical_arms_are_an_error_and_not_a_difference_of_zero() -> None:
    with pytest.raises(ValueError, match="arms identical"):
        crossed(np.zeros((5, 10)))


def test_images_needed_shrink_the_part_that_images_make() -> None:
    """Only images vary: the error falls with their root, and seeds do nothing for it."""
    result = crossed(np.tile(np.repeat([1, -1, 0], [30, 10, 360]), (5, 1)))
    effect = result.detectable(0.05) / 2
    needed = result.images_needed(effect, 0.05)
    assert needed == pytest.approx(4 * result.num_images, rel=0.02)
    assert result.seeds_needed(effect, 0.05) is None
    assert result.more == "test images"


def two_way_null(drawn: np.random.Generator, seeds: int, images: int, sd: float) -> np.ndarray:
    """Paired differences of two classifiers that are equally good over all seeds and images."""
    ease = drawn.beta(4, 1, images)
    chances = np.clip(ease + drawn.normal(0, sd, (2, seeds, 1)), 0, 1)
    right = (drawn.random((2, seeds, images)) < chances).astype(np.int8)
    return np.asarray(right[0] - right[1])


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_false_alarms_are_as_rare_as_the_level_says(seeds: int) -> None:
    """Simulations found .04 to .055 at a level of .05; this many studies tell it to +-.02."""
    drawn = np.random.default_rng(seeds)
    studies = 800
    alarms = sum(
        crossed(two_way_null(drawn, seeds, 200, 0.1)).p_value < 0.05 for _ in range(studies)
    )
    assert alarms / studies == pytest.approx(0.05, abs=0.02)


def test_seeds_alone_count_where_only_they_vary() -> None:
    """The test is not blind to a true difference either: a point with little noise is seen."""
    drawn = np.random.default_rng(1)
    detected = 0
    for _ in range(100):
        table = two_way_null(drawn, 10, 500, 0.01)
        table[drawn.random(table.shape) < 0.06] = 1
        detected += crossed(table).interval(0.95)[0] > 0
    assert detected > 90


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.int8, st.tuples(st.integers(2, 6), st.integers(2, 9)), elements=st.integers(-1, 1)),
    st.floats(1e-6, 0.3),
)
def test_the_cautious_interval_is_never_narrower_and_agrees_with_its_p(
    differences: np.ndarray, level: float
) -> None:
    if not differences.any():
        return
    result = crossed(differences)
    low, high = result.cautious_interval(level)
    plain = result.interval(1 - level)
    assert low <= plain[0] + 1e-12
    assert high >= plain[1] - 1e-12
    assert result.cautious_p >= result.p_value * (1 - 1e-9)
    if result.error and abs(result.cautious_p / level - 1) > 1e-6:
        assert (low > 0 or high < 0) == (result.cautious_p < level)
    if level >= 0.04:
        assert (low, high) == pytest.approx(plain)


def test_a_mean_just_clear_of_0_at_four_per_cent_has_a_p_just_below() -> None:
    """The cautious interval is wider at once below 4 %; its p-value follows without a gap."""
    (result,) = drawn_squares(np.random.default_rng(0), 3, 1)
    clear = replace(result, mean=0.0)
    clear = replace(clear, mean=1.0001 * clear.cautious_interval(0.04)[1])
    assert clear.cautious_interval(0.04)[0] > 0 > clear.cautious_interval(0.0399)[0]
    assert 0.0399 < clear.cautious_p < 0.04


def drawn_squares(drawn: np.random.Generator, seeds: int, studies: int) -> list[Crossed]:
    """Analyses of tables without a true difference in which seeds make most of the variance."""
    images, by_seed, by_image = 1000, 40.0, 4.0  # expected MSA and MSB where MSE is 1
    result = []
    for _ in range(studies):
        mean = drawn.normal() * np.sqrt((by_seed + by_image - 1) / (seeds * images))
        msa = by_seed * drawn.chisquare(seeds - 1) / (seeds - 1)
        total = msa + by_image - 1
        result.append(
            Crossed(
                mean=mean,
                error=float(np.sqrt(total / (seeds * images))),
                df=total**2 / (msa**2 / (seeds - 1) + by_image**2 / (images - 1)),
                between_seeds=msa,
                between_images=by_image,
                rest=1.0,
                num_seeds=seeds,
                num_images=images,
            )
        )
    return result


@pytest.mark.parametrize("seeds", [3, 5])
def test_at_strict_levels_the_cautious_test_errs_no_more_than_it_says(seeds: int) -> None:
    """Where Satterthwaite's own does: the reason for docs/decisions/0006."""
    studies, level = 4000, 0.05 / 6
    result = drawn_squares(np.random.default_rng(seeds), seeds, studies)
    plain = sum(one.p_value < level for one in result) / studies
    cautious = sum(
        not one.cautious_interval(level)[0] <= 0 <= one.cautious_interval(level)[1]
        for one in result
    )
    assert plain > 1.5 * level
    assert cautious / studies < 1.2 * level
