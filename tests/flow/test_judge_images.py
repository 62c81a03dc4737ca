"""Results of other programs with the images that they were made on: copies, pictures, refusals."""

import csv
import html
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

import headstart as hs
from headstart.analyse.analysis import Analysis
from headstart.core.errors import DataError
from headstart.flow import JudgeOptions, judge
from headstart.report.csv_tables import tables, write_tables
from headstart.report.document import document, schema
from headstart.report.html.page import page
from headstart.report.run_summary import RunSummary
from result_files import ARMS, LABELS, rows_of, written

SUMMARY = RunSummary(steps_run=0, steps_reused=0, seconds=1.0, command="headstart judge r.csv")
COPIED = {"0.png": "exact", "1.png": "mirrored", "2.png": "near"}


def drawn(key: int) -> np.ndarray:
    """A smooth random image (24, 24, 3), as photos are."""
    small = np.random.default_rng([key, 3]).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize((24, 24)))


def saved(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def photos(folder: Path, *, train: str = "train", test: str = "test") -> Path:
    """A class in each folder: 24 training images, and the 60 test images of `rows_of`.

    The first three test images are copies of training images of their class.
    """
    for at, label in enumerate(LABELS[:24]):
        saved(folder / train / label / f"t{at}.png", drawn(at))
    for at, label in enumerate(LABELS):
        pixels = drawn(1000 + at)
        if at == 0:
            pixels = drawn(0)
        if at == 1:
            pixels = drawn(1)[:, ::-1]
        if at == 2:
            noise = np.random.default_rng(9).integers(-4, 5, pixels.shape)
            pixels = np.clip(drawn(2).astype(int) + noise, 0, 255).astype(np.uint8)
        saved(folder / test / label / f"{at}.png", pixels)
    return folder


def rows(named: str = "{label}/{at}.png", **more: Any) -> list[dict[str, Any]]:
    """Answers to the test images, which are named by a pattern."""
    found = []
    for row in rows_of(ARMS):
        at = int(row["image"].removesuffix(".jpg"))
        found.append({**row, "image": named.format(label=LABELS[at], at=at), **more})
    return found


def judged(path: Path, given: Any, *places: Path | str, **options: Any) -> Analysis:
    asked = JudgeOptions(images=tuple(map(str, places)), **options)
    return judge(written(path / "r.csv", given), asked).analysis


def failed(analysis: Analysis) -> Mapping[str, str]:
    return {gate.id: gate.message for gate in analysis.failed_gates("caveat")}


def notes_of(path: Path, given: Any, *places: Path) -> str:
    asked = JudgeOptions(images=tuple(map(str, places)))
    return "\n".join(judge(written(path / "r.csv", given), asked).notes)


def test_copies_are_left_out_and_the_verdict_is_that_of_the_others(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    analysis = judged(tmp_path, rows(), folder)
    clean = [row for row in rows() if row["image"].split("/")[1] not in COPIED]
    assert list(map(asdict, analysis.comparisons)) == list(
        map(asdict, judged(tmp_path, clean).comparisons)
    )
    assert {copy.image.split("/")[1]: copy.kind for copy in analysis.given_copies} == COPIED
    assert [copy.other for copy in analysis.given_copies] == [
        f"train/{LABELS[at]}/t{at}.png" for at in range(3)
    ]
    assert failed(analysis)["CHK-01-leaks"] == (
        f"3 of 60 test images have a copy among 24 other images of {folder} (train) (1 exact, 1 "
        "mirrored, 1 near) and may have been trained on: left out of all scores."
    )
    assert "CHK-01-leaks" not in {gate.id for gate in analysis.unknown_gates}
    assert "no shared images" not in " ".join(analysis.detail)
    assert ("Test images", "57, the same for all runs") in analysis.protocol


def test_what_was_found_is_printed_with_examples(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    notes = notes_of(tmp_path, rows("/data/{label}/{at}.PNG"), folder)
    assert f"{folder}: 60 of 60 test images found (60 by file name alone; " in notes
    assert "and count for nothing: test/cat/0.png is train/cat/t0.png (exact), " in notes


def test_copies_are_in_the_document_the_tables_and_the_page(tmp_path: Path) -> None:
    analysis = judged(tmp_path, rows(), photos(tmp_path / "photos"))
    shown = json.loads(json.dumps(document(analysis, SUMMARY)))
    jsonschema.validate(shown, schema())
    assert [(one["file"], one["kind"]) for one in shown["given_copies"]] == [
        ("test/cat/0.png", "exact"), ("test/dog/1.png", "mirrored"), ("test/dog/2.png", "near"),
    ]  # fmt: skip
    write_tables(analysis, tmp_path / "tables")
    with (tmp_path / "tables" / "given_copies.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["other"] == "train/cat/t0.png"
    text = page(analysis, SUMMARY)
    wrong = text[text.index('id="wrong"') :]
    assert "3 of 60 test images left out as copies: compared with 24 other images" in wrong
    assert wrong.count("<img") == 6
    assert "3 test images left out" in wrong
    assert "not known of these" in wrong


def test_without_a_copy_the_check_passes(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    clean = [row for row in rows() if row["image"].split("/")[1] not in COPIED]
    analysis = judged(tmp_path, clean, folder)
    (gate,) = (gate for gate in analysis.gates if gate.id == "CHK-01-leaks")
    assert gate.passed
    assert not analysis.given_copies
    assert f"None of 57 test images has a copy among 24 other images of {folder} (train)" in (
        notes_of(tmp_path, clean, folder)
    )


def test_images_of_the_test_part_that_nothing_names_are_no_others(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    saved(folder / "test" / "cat" / "more.png", drawn(1004))  # as test image 4
    saved(folder / "val" / "cat" / "v.png", drawn(1005))  # as test image 5
    notes = notes_of(tmp_path, rows(), folder)
    assert "1 more image of the test part is not named by the results, and not compared" in notes
    found = judged(tmp_path, rows(), folder).given_copies
    assert {copy.image for copy in found} == {"cat/0.png", "dog/1.png", "dog/2.png", "owl/5.png"}


def test_results_on_validation_images_are_not_compared_with_the_test_part(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos", test="val")
    saved(folder / "test" / "cat" / "x.png", drawn(1004))
    found = judged(tmp_path, rows(), folder)
    assert len(found.given_copies) == 3


def test_without_parts_all_others_count(tmp_path: Path) -> None:
    photos(tmp_path / "photos", train="old", test="new")
    assert len(judged(tmp_path, rows(), tmp_path / "photos").given_copies) == 3


def test_missing_test_images_are_counted_with_the_nearest_name(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    given = [{**r, "image": r["image"].replace("cat/4.png", "cat/4_.png")} for r in rows()]
    assert (
        "1 test image is not there, and counts as it is: 'cat/4_.png' Did you mean "
        "'test/cat/4.png'?" in notes_of(tmp_path, given, folder)
    )
    message = failed(judged(tmp_path, given, folder))["CHK-01-leaks"]
    assert message.endswith(
        "1 test image is not among the images that were given: of copies of them nothing is known."
    )


def test_images_of_a_fixed_camera_are_scored_and_said_to_be_alike(tmp_path: Path) -> None:
    folder, scene = photos(tmp_path / "photos"), drawn(77).astype(int)
    for at, path in enumerate(sorted(folder.rglob("*.png"))):
        own = np.random.default_rng(at).integers(-6, 7, scene.shape)
        saved(path, np.clip(scene + own, 0, 255).astype(np.uint8))
    analysis = judged(tmp_path, rows(), folder)
    assert not analysis.given_copies
    assert analysis.comparisons == judged(tmp_path, rows()).comparisons
    assert failed(analysis)["CHK-01-alike"].startswith(
        "60 of 60 test images look like other images, but no more than the images of a fixed camera"
    )
    assert "CHK-01-leaks" not in failed(analysis)
    assert "CHK-01-alike" not in failed(judged(tmp_path, rows(), photos(tmp_path / "others")))


def test_more_copies_than_half_withhold_the_verdict(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    for at in range(3, 40):
        saved(folder / "train" / LABELS[at] / f"again{at}.png", drawn(1000 + at))
    analysis = judged(tmp_path, rows(), folder)
    assert {c.verdict for c in analysis.comparisons} == {"invalid"}
    assert "RES-leaks: 40 of 60 test images have a copy" in analysis.comparisons[0].why


def test_every_test_image_a_copy_is_refused(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    for at in range(60):
        saved(folder / "train" / LABELS[at] / f"again{at}.png", drawn(1000 + at))
    with pytest.raises(DataError, match="every test image is left out"):
        judged(tmp_path, rows(), folder)


def test_a_turned_image_is_a_copy_of_its_own_class_only(tmp_path: Path) -> None:
    """A turned 6 may be a 9; where folders name no classes nothing is known of that."""
    folder = photos(tmp_path / "photos")
    saved(folder / "train" / "owl" / "turned.png", np.rot90(drawn(1004)))  # 4 is a cat
    assert len(judged(tmp_path, rows(), folder).given_copies) == 3
    saved(folder / "train" / "cat" / "turned.png", np.rot90(drawn(1004)))
    found = {copy.image: copy.kind for copy in judged(tmp_path, rows(), folder).given_copies}
    assert len(found) == 4
    assert found["cat/4.png"] == "near, turned by a quarter"  # 24 pixels are compared as 32
    (folder / "train" / "cat" / "turned.png").unlink()
    (folder / "train" / "owl" / "turned.png").rename(folder / "train" / "turned.png")
    assert len(judged(tmp_path, rows(), folder).given_copies) == 4


def test_each_fold_is_compared_with_the_others(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos", train="test")  # one folder, all tested by some fold
    images = [(f"{label}/{at}.png", label, at % 5) for at, label in enumerate(LABELS)]
    images += [(f"{label}/t{at}.png", label, (at + 1) % 5) for at, label in enumerate(LABELS[:24])]
    random = np.random.default_rng(0)
    given = [
        {"arm": arm, "fold": fold, "image": image, "label": label,
         "answer": label if random.random() < right else "cat"}
        for arm, right in ARMS.items() for image, label, fold in images
    ]  # fmt: skip
    analysis = judged(tmp_path, given, folder / "test")
    copied = {copy.image: copy.num_parts for copy in analysis.given_copies}
    assert copied == dict.fromkeys(
        ["cat/0.png", "cat/t0.png", "dog/1.png", "dog/t1.png", "dog/2.png", "dog/t2.png"], 1
    )
    assert analysis.leaks[0].num_splits == 5
    assert ("Test images", "78, for each seed a part, the same for all arms") in analysis.protocol


def test_folders_and_archives_may_be_several(tmp_path: Path) -> None:
    import shutil

    photos(tmp_path / "photos")
    archive = shutil.make_archive(str(tmp_path / "train"), "zip", tmp_path / "photos" / "train")
    test = tmp_path / "photos" / "test"
    assert len(judged(tmp_path, rows(), archive, test).given_copies) == 3
    with pytest.raises(DataError, match="give each image once"):
        judged(tmp_path, rows(), tmp_path / "photos", test)


def test_results_that_grow_take_images_too(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    results = hs.Results(tmp_path / "results.jsonl", control="scratch")
    for arm, shift in (("scratch", 2), ("full", 0)):
        for seed in range(3):
            answers = [LABELS[(at + shift * (at % (3 + seed) == 0)) % 60] for at in range(60)]
            names = [f"test/{label}/{at}.png" for at, label in enumerate(LABELS)]
            results.add(arm=arm, seed=seed, labels=LABELS, answers=answers, images=names)
    assert len(results.judge(images=folder).given_copies) == 3
    assert len(results.judge(images=[folder / "train", folder / "test"]).given_copies) == 3
    assert not results.judge().given_copies


def refusal(path: Path, given: Any, *places: Path | str) -> str:
    with pytest.raises(DataError) as caught:
        judged(path, given, *places)
    return str(caught.value)


def test_names_that_fit_several_files_are_refused(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos", train="old", test="new")
    saved(folder / "old" / "cat" / "0.png", drawn(50))
    message = refusal(tmp_path, rows(), folder)
    assert "is not clear for 1 of 60 names: 'cat/0.png' may be " in message
    assert "new/cat/0.png" in message
    assert "old/cat/0.png" in message
    twice = [{**r, "image": r["image"].replace("cat/4.png", "dog/../0")} for r in rows()]
    assert "'cat/0.png', 'dog/../0' are both test/cat/0.png" in refusal(
        tmp_path, twice, photos(tmp_path / "others")
    )


def test_images_of_something_else_are_refused(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    message = refusal(tmp_path, rows("photo_{at}.jpeg"), folder)
    assert "none of the 60 test images that the results name is among its 84 image files" in message
    assert "The results have 'photo_0.jpeg', " in message
    missing = refusal(tmp_path, rows(), tmp_path / "none", tmp_path / "r.csv")
    assert f"{tmp_path / 'none'}: is not there." in missing
    assert f"{tmp_path / 'r.csv'}: is no folder or archive of images." in missing
    (tmp_path / "empty").mkdir()
    assert "holds no image files" in refusal(tmp_path, rows(), tmp_path / "empty")
    alone = refusal(tmp_path, rows(), folder / "test")
    assert "holds no images but test images" in alone
    assert "--images TRAIN --images TEST" in alone


def test_names_whose_files_lie_in_other_classes_are_refused(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    shifted = [
        {**row, "image": f"{int(row['image'].removesuffix('.jpg')) * 11 % 60}.png"}
        for row in rows_of(ARMS)
    ]
    message = refusal(tmp_path, shifted, folder)
    assert (
        "test images lie in the folder of another class than their label: '11.png' (dog) is "
        in (message)
    )
    moved = folder / "test" / "owl" / "4.png"
    (folder / "test" / "cat" / "4.png").rename(moved)
    assert "1 of 60 test images lie in the folder of another class than their label: " in notes_of(
        tmp_path, rows(), folder
    )


def test_scores_and_unnamed_rows_have_no_images(tmp_path: Path) -> None:
    scores = [
        {"arm": arm, "seed": seed, "accuracy": 0.8 + seed / 100} for arm in ARMS for seed in (0, 1)
    ]
    assert "there are scores alone, and no answers to single images" in refusal(
        tmp_path, scores, tmp_path
    )
    unnamed = [{k: v for k, v in row.items() if k != "image"} for row in rows()]
    message = refusal(tmp_path, unnamed, tmp_path)
    assert "no column names the test images" in message
    assert "--column image=NAME" in message


def test_single_images_are_listed_by_name_and_with_pictures_where_there_are(tmp_path: Path) -> None:
    probable = [
        {**row, **{f"p_{c}": 0.8 if c == row["answer"] else 0.1 for c in ("cat", "dog", "owl")}}
        for row in rows()
    ]
    plain = judged(tmp_path, probable)
    (mistakes,) = plain.mistakes
    right = [one for one in mistakes.image_mistakes if one.kind == "put right"]
    assert len(right) == min(mistakes.put_right, 12)
    for one in right:
        of_image = [row for row in probable if row["image"] == one.file]
        wrong = {
            arm: sum(r["answer"] != r["label"] for r in of_image if r["arm"] == arm) for arm in ARMS
        }
        assert (one.control_num_wrong, one.num_wrong) == (wrong["scratch"], wrong["frozen"])
        assert 2 * wrong["scratch"] > 4 > 2 * wrong["frozen"]
        assert one.true_class == of_image[0]["label"]
        assert one.control_probability is not None
    text = page(plain, SUMMARY)
    shown = text[text.index('id="mistakes"') :]
    assert f'<th scope="row">{right[0].file}</th>' in shown
    assert "<img" not in shown
    assert "There are no pictures" not in shown
    table = tables(plain)["image_mistakes"][1]
    assert {row["file"] for row in table} == {one.file for one in mistakes.image_mistakes}

    folder = photos(tmp_path / "photos")
    (folder / "test" / right[-1].file).unlink()
    seen = judged(tmp_path, probable, folder)
    text = page(seen, SUMMARY)
    shown = text[text.index('id="mistakes"') : text.index('id="wrong"')]
    assert shown.count("<img") == len(seen.mistakes[0].image_mistakes) - 1
    assert shown.count("no picture") == 1
    assert not {one.file for one in seen.mistakes[0].image_mistakes} & {
        copy.image for copy in seen.given_copies
    }


HOSTILE = "<script>alert(1)<&'\u202e.png"


def test_names_of_files_are_text_on_the_page(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    (folder / "test" / "cat" / "0.png").rename(folder / "test" / "cat" / HOSTILE)
    given = [{**r, "image": r["image"].replace("cat/0.png", f"cat/{HOSTILE}")} for r in rows()]
    analysis = judged(tmp_path, given, folder)
    assert len(analysis.given_copies) == 3
    text = page(analysis, SUMMARY)
    assert "<script>" not in text
    assert "<script>alert(1)<&'" in html.unescape(text)
