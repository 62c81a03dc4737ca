"""What two tasks share, for the tests of the report."""

from dataclasses import replace

from headstart.analyse.analysis import AmbiguousImage, Leak, LeakExample, LeakReport, Picture

# A grey image of two rows and three columns, and one in colour.
SHADES = (bytes(range(0, 240, 40)), bytes(range(18)))
_GREY = Picture(height=2, width=3, channels=1, values=SHADES[0])
_COLOUR = Picture(height=2, width=3, channels=3, values=SHADES[1])

LEAKS = LeakReport(
    source="letters",
    target="digits",
    near=0.99,
    copies=(
        Leak(
            part="target test",
            other="source training",
            num_part=1_000,
            num_other=6_000,
            exact=2,
            mirrored=1,
            changed=0,
            near=6,
            alike=3,
        ),
        Leak(
            part="target training",
            other="source training",
            num_part=6_000,
            num_other=6_000,
            exact=40,
            mirrored=0,
            changed=0,
            near=0,
            alike=0,
        ),
    ),
    num_test=1_000,
    num_left_out=9,
    num_alike=3,
    num_shared_train=40,
    odd_labels=4,
    common_classes=("zero",),
    copy_examples=(
        LeakExample(
            part="target test",
            other="source training",
            index=17,
            other_index=230,
            label="zero",
            other_label="letter o",
            name="",
            other_name="train/o/5.png",
            kind="near",
            similarity=0.99312,
            picture=_GREY,
            other_picture=_COLOUR,
        ),
    ),
    ambiguous_images=(
        AmbiguousImage(
            part="source training",
            other="source validation",
            index=4,
            other_index=2,
            label="letter o",
            other_label="letter q",
            name="train/o/9.png",
            other_name="",
            picture=_GREY,
        ),
    ),
)
NO_LEAKS = replace(
    LEAKS,
    near=None,
    copies=tuple(replace(row, exact=0, mirrored=0, near=0, alike=0) for row in LEAKS.copies),
    num_left_out=0,
    num_alike=0,
    num_shared_train=0,
    common_classes=(),
    copy_examples=(),
    ambiguous_images=(),
)
