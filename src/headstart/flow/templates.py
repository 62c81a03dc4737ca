"""Lines that save the answers of a training loop, for the tools that people use."""

from typing import Literal

Tool = Literal["keras", "lightning", "hf", "sklearn", "fastai", "timm"]

_HEAD = """\
import headstart as hs

results = hs.Results("results.jsonl", control="scratch")  # grows run by run, on the disk
"""
_FOOT = """\
print(results.judge())  # after the last run; or: headstart judge results.jsonl --control scratch
"""
_LINES: dict[Tool, str] = {
    "keras": """\
answers = model.predict(x_test)  # probabilities, or classes
results.add(arm="frozen", seed=seed, labels=y_test, answers=answers)
""",
    "lightning": """\
batches = trainer.predict(model, test_loader)  # predict_step returns logits
results.add(arm="frozen", seed=seed, labels=y_test, answers=batches)
""",
    "hf": """\
output = trainer.predict(test_dataset)
results.add(arm="frozen", seed=seed, labels=output.label_ids, answers=output.predictions)
""",
    "sklearn": """\
answers = estimator.predict(x_test)
results.add(arm="frozen", seed=seed, labels=y_test, answers=answers)
""",
    "fastai": """\
probabilities, labels = learn.get_preds(dl=test_dl)
results.add(arm="frozen", seed=seed, labels=labels, answers=probabilities)
""",
    "timm": """\
# after: inference.py test --checkpoint F --topk 1 --include-index --fullname --results-format csv
import os, pandas
table, classes = pandas.read_csv("NAME-224.csv"), sorted(os.listdir("test"))
labels, answers = table.filename.str.split("/").str[-2], [classes[i] for i in table["index"]]
results.add(arm="frozen", seed=seed, images=table.filename, labels=labels, answers=answers)
""",
}


def template(tool: Tool) -> str:
    """Lines that save the answers of a tool and judge them."""
    return f"{_HEAD}{_LINES[tool]}{_FOOT}"
