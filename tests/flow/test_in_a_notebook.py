"""A study in the cells of a real Jupyter kernel."""

import re
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from notebooks import TINY, executed


def test_a_run_leaves_one_line_and_its_analysis_shows_itself(tmp_path: Path) -> None:
    cells = (TINY, "study", "analysis = study.run('store')", "analysis", "print(analysis)")
    none, plan, run, shown, printed = executed(tmp_path, *cells)
    assert none == []

    (planned,) = plan
    html = planned["data"]["text/html"]
    assert "about" in html
    assert "scratch (control), full" in html
    assert "<Study 'tiny'" in planned["data"]["text/plain"]

    # One output, updated in place; nothing of the workers, nothing on stderr.
    (line,) = run
    assert line["output_type"] == "display_data"
    assert line["data"]["text/plain"].startswith("2 of 2 trials done, in ")
    assert "progressbar" not in line["data"]["text/html"]  # the bar has gone

    (first_screen,) = shown
    html = first_screen["data"]["text/html"]
    assert "<svg" in html
    assert "<script" not in html
    assert len(html) < 60_000
    assert "http://" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in html

    (text,) = printed
    assert text["name"] == "stdout"
    assert "Target data, arm" in text["text"]
    assert "\x1b" not in text["text"]


@pytest.mark.slow
def test_an_interrupted_run_goes_on_when_its_cell_is_run_again(tmp_path: Path) -> None:
    code = TINY.replace("seeds=1", "seeds=4, training={'updates': 600, 'batch_size': 16}")
    run = "analysis = study.run('store', workers=2)"
    manager, client = start_new_kernel(cwd=str(tmp_path))
    try:
        client.execute_interactive(code, timeout=120)
        shown: list[str] = []
        errors: list[dict[str, Any]] = []

        def hear(message: dict[str, Any]) -> None:
            if message["msg_type"] == "error":
                errors.append(message["content"])
            if message["msg_type"] in ("display_data", "update_display_data"):
                text = message["content"]["data"]["text/plain"]
                shown.append(text)
                if re.match(r"[1-7] of 8 trials done", text) and not errors:
                    manager.interrupt_kernel()

        client.execute_interactive(run, timeout=280, output_hook=hear)
        assert shown[-1].startswith("stopped with ")
        assert shown[-1].endswith("run the cell again to go on")
        (error,) = errors
        assert error["traceback"] == ["stopped; run the cell again to go on"]

        client.execute_interactive(run, timeout=280, output_hook=hear)
        assert shown[-1].startswith("8 of 8 trials done, in ")
        reused = client.execute_interactive(
            "assert analysis.summary.steps_reused > 0", timeout=60, output_hook=lambda _: None
        )
        assert reused["content"]["status"] == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
