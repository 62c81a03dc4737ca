"""JSON document of what `headstart doctor` found."""

import json

from headstart.execute.installation.diagnosis import Diagnosis
from headstart.report.document import json_value


def diagnosis_text(diagnosis: Diagnosis) -> str:
    """Text of the document; `broken` says whether there are problems."""
    values = {"broken": bool(diagnosis.problems), **json_value(diagnosis)}
    return json.dumps(values, indent=2, default=str) + "\n"
