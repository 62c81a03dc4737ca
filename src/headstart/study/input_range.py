"""Range of network inputs: what a checkpoint was trained on, and whether others are like it."""

from headstart.study.network_facts import InputFacts

OTHER_RANGE = 4  # times wider or narrower than what a network expects
LARGEST_INPUT = 50

Range = tuple[float, float]
"""The least and the greatest of some inputs."""


def expected_range(wanted: InputFacts) -> Range:
    """Smallest and largest input that a network expects."""
    moments = list(zip(wanted.mean, wanted.deviation, strict=True))
    return min(-m / d for m, d in moments), max((1 - m) / d for m, d in moments)


def is_of_other_range(given: Range, expected: Range) -> bool:
    """Whether inputs span much more or much less than expected; so do those that are not finite."""
    width, wanted = given[1] - given[0], expected[1] - expected[0]
    return not wanted > width / OTHER_RANGE or width < wanted / OTHER_RANGE


def is_too_large(given: Range) -> bool:
    """Whether an input is larger than any standardised one; so is one that is not finite."""
    return not -LARGEST_INPUT <= given[0] <= given[1] <= LARGEST_INPUT


def per_channel(numbers: tuple[float, ...]) -> str:
    """Means or deviations of all channels as text, once where all are equal."""
    return "/".join(f"{number:g}" for number in dict.fromkeys(numbers))
