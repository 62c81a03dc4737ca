"""Templates of jobs, filled in."""

import json
import shlex
from typing import Any


def filled_in(template: str, **values: Any) -> str:
    """A template of this folder with values; `quote` is for the shell, `yaml` for YAML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("headstart.execute.cluster", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["quote"] = shlex.quote
    environment.filters["yaml"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.get_template(template).render(**values)
