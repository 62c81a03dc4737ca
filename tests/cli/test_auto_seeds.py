"""`--seeds auto --minutes N`: what plan says of it, and what is refused."""

import json

import headstart
from commands import Call, refused


def test_plan_says_the_first_round_the_worst_case_and_the_budget(call: Call) -> None:
    ended = call("plan", "digits", "--seeds", "auto", "--minutes", 7)
    assert ended.status == 0, ended.err
    text = " ".join(ended.out.split())
    assert "75 trials and 5 source runs, 5 seeds at first" in text
    assert "Comparisons without a verdict go on to 8, 12 or 20 seeds." in text
    assert "If all went on to 20: 300 trials, about" in text
    assert "Further seeds end where the study would take more than 7 minutes." in text
    assert "Run it with: headstart run digits --seeds auto --minutes 7" in text


def test_the_plan_as_a_document_has_them_too(call: Call) -> None:
    document = json.loads(call("plan", "digits", "--seeds", "auto", "--json").out)
    assert document["most"]["looks"] == [5, 8, 12, 20]
    assert (document["most"]["num_trials"], document["minutes"]) == (300, None)
    fixed = json.loads(call("plan", "digits", "--json").out)
    assert fixed["most"] is None


def test_a_budget_without_seeds_to_add_is_refused(call: Call) -> None:
    refused(
        call("plan", "digits", "--minutes", 7),
        "minutes: is the time for further seeds, and this study has a fixed number of them.",
        'Write seeds = "auto" (--seeds auto), or leave minutes out.',
    )


def test_python_takes_the_same() -> None:
    study = headstart.load("digits", seeds="auto", minutes=7)
    assert (study.looks, study.minutes) == ((5, 8, 12, 20), 7)
    assert headstart.load("digits").minutes is None
