"""Mistakes on test images in the page, in the terminal, in JSON and in CSV."""

import base64
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from analyses import SUMMARY, analysis
from mistake_reports import CONFUSIONS, confusion, mistakes
from pages import HOSTILE, page_of, section
from PIL import Image
from rich.console import Console

from headstart.analyse.analysis import Analysis, Picture
from headstart.analyse.text import DASH
from headstart.report.csv_tables import tables
from headstart.report.document import document_text
from headstart.report.mistakes import frequent_confusions, mistakes_sentence
from headstart.report.pictures import data_uri
from headstart.report.rows import TaskPair
from headstart.report.terminal.mistakes import print_mistakes

TITLE = "What it gets wrong"
WITH = replace(analysis(), mistakes=(mistakes(),), confusions=CONFUSIONS)
PAIR = TaskPair(source="letters", target="digits")


def shown(given: Analysis) -> str:
    return section(page_of(given), TITLE)


def test_pictures_stand_with_class_answer_probability_and_seeds() -> None:
    text = shown(WITH)
    assert text.count('src="data:image/png;base64,') == 6
    assert '<li title="photos/ant/ant-wrong.jpg"><img class="tiny"' in text
    assert 'alt="ant-wrong.jpg"' in text
    assert 'alt="image 1"' in text
    assert text.count("<b>ant</b>") == 6
    assert "taken for bee <span>(88 %)</span>" in text
    assert "taken for bee</small>" in text  # no probability is known
    assert (
        "taken for wasp <span>(65 %)</span>" in text
    )  # what the control answered before it was put right
    assert "<small>2 of 3 seeds</small>" in text
    assert "<small>3 → 0 of 3 seeds</small>" in text
    assert "<small>0 → 2 of 3 seeds</small>" in text
    assert "2 of 5, the surest first." in text
    assert "2 of 7, the surest first." in text
    assert "2 of 2" not in text


def test_the_sentence_counts_what_was_put_right_and_broken() -> None:
    assert mistakes_sentence(mistakes()) == (
        "Of 32 test images, full gets 7 right that scratch gets wrong, and 2 wrong that scratch "
        "gets right; both get 3 wrong and 20 right (by most of 3 seeds)."
    )
    two = replace(mistakes(), seeds=(0, 1), both_right=16, undecided=4)
    assert mistakes_sentence(two).endswith(
        "(by most of 2 seeds; on 4 one of the two is right in half of the seeds)."
    )
    one = replace(mistakes(), seeds=(0,))
    assert mistakes_sentence(one).endswith("(by the one seed there is).")


def test_matrices_have_a_cell_for_every_pair_of_classes() -> None:
    text = shown(WITH)
    assert text.count("<caption>") == 2
    assert '<td class="num miss" style="--share:0.150">9</td>' in text
    assert '<td class="num hit" style="--share:0.850">51</td>' in text
    assert '<td class="num">83.3</td><td class="num">12</td>' in text
    # A class without test images has no accuracy.
    assert f'<td class="num">{DASH}</td><td class="num">0</td>' in text


def test_of_many_classes_the_frequent_confusions_are_listed() -> None:
    names = [f"class {number}" for number in range(25)]
    counts = np.eye(25, dtype=int) * 30
    counts[3, 4], counts[7, 1] = 5, 11
    many = tuple(
        confusion(arm, found.tolist(), names)
        for arm, found in (("full", counts), ("scratch", counts // 5))
    )
    text = shown(replace(WITH, confusions=many))
    assert "<caption>" not in text
    first, second = frequent_confusions(many)
    assert (first.true_class, first.answer, first.count, first.num_answers) == (
        "class 7", "class 1", 11, 41,
    )  # fmt: skip
    assert (second.count, second.control_count) == (5, 1)
    row = '<th scope="row">class 7</th><td>class 1</td><td class="num">11</td>'
    assert f'{row}<td class="num">2</td><td class="num">41</td>' in text


def test_without_pictures_in_the_store_the_page_says_how_they_come_to_be() -> None:
    text = shown(replace(WITH, mistakes=(mistakes(stored=False),)))
    assert "<img" not in text
    assert "There are no pictures in the store: they are made by <code>headstart run" in text
    assert text.count("<caption>") == 2
    perfect = replace(mistakes(stored=False), wrong=0, put_right=0, broken=0, both_wrong=0)
    assert "no pictures" not in shown(replace(WITH, mistakes=(perfect,)))


def test_without_answers_there_is_no_section() -> None:
    assert TITLE not in page_of(analysis())


def test_names_of_classes_and_files_are_escaped() -> None:
    names = (HOSTILE, "e" + HOSTILE, "f" + HOSTILE)
    confusions = tuple(replace(c, confusion_rows=c.confusion_rows[:1]) for c in CONFUSIONS)
    text = shown(replace(WITH, mistakes=(mistakes(names=names),), confusions=confusions))
    assert "&lt;script&gt;" in text
    assert "<script" not in text
    assert "{{ 7*7 }}" in text


@pytest.mark.parametrize("num_pairs", [1, 4, 9])
def test_a_page_can_be_mailed_however_many_photos_there_are(num_pairs: int) -> None:
    pairs = [(f"source {number}", "digits") for number in range(num_pairs)]
    given = replace(
        analysis(pairs=pairs, sizes=[("all", 6000)]),
        mistakes=tuple(mistakes(most=12, side=96, pair=pair) for pair in pairs),
        confusions=tuple(
            replace(c, source=source, target=target) for source, target in pairs for c in CONFUSIONS
        ),
    )
    text = page_of(given)
    assert 36 <= text.count("data:image/jpeg;base64,") <= 96
    assert len(text) < 1_500_000  # of noise, which no photo is as large as


@pytest.mark.parametrize(("side", "channels", "kind"), [(28, 1, "png"), (96, 3, "jpeg")])
def test_a_picture_is_drawn_as_it_is(side: int, channels: int, kind: str) -> None:
    ramp = np.linspace(0, 255, side).astype(np.uint8)
    values = np.broadcast_to(ramp[:, None, None], (side, side, channels))
    picture = Picture(height=side, width=side, channels=channels, values=values.tobytes())
    head, _, body = data_uri(picture).partition(",")
    assert head == f"data:image/{kind};base64"
    read = np.asarray(Image.open(io.BytesIO(base64.b64decode(body)))).reshape(values.shape)
    assert abs(read.astype(int) - values).max() <= (0 if kind == "png" else 8)


def test_a_terminal_shows_counts_and_the_most_frequent_confusions() -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    print_mistakes(WITH, (PAIR,), console)
    text = console.export_text()
    assert "What full gets wrong with 6,000 images\n" in text
    assert mistakes_sentence(mistakes()) in text
    assert (
        "Most frequent: bee taken for ant: 9 of 60 times (scratch 2); ant taken for wasp: 6 of 36 "
        "times (scratch 0)." in text
    )


def test_the_document_has_every_number_and_no_picture() -> None:
    (found,) = json.loads(document_text(WITH, SUMMARY))["mistakes"]
    assert found["put_right"] == 7
    assert "pictures" not in found
    assert found["image_mistakes"][0]["file"] == "photos/ant/ant-wrong.jpg"
    assert found["image_mistakes"][1]["probability"] is None
    rows = json.loads(document_text(WITH, SUMMARY))["confusions"][0]["confusion_rows"]
    assert rows[1] == {
        "true_class": "bee", "num_tested": 20, "accuracy": 0.85, "answer": ["ant", "bee"],
        "count": [9, 51],
    }  # fmt: skip


def test_tables_have_a_row_a_cell_and_a_row_an_image() -> None:
    made = tables(WITH)
    assert "pictures" not in made
    columns, cells = made["confusion_rows"]
    assert columns[:5] == ["arm", "size", "num_images", "source", "target"]
    assert [(row["true_class"], row["answer"], row["count"]) for row in cells[:4]] == [
        ("ant", "ant", "30"), ("ant", "wasp", "6"), ("bee", "ant", "9"), ("bee", "bee", "51"),
    ]  # fmt: skip
    _, images = made["image_mistakes"]
    assert [row["kind"] for row in images] == ["wrong"] * 2 + ["put right"] * 2 + ["broken"] * 2
    assert made["mistakes"][1][0]["both_wrong"] == "3"
