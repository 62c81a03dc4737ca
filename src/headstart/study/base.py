"""The base of every spec: frozen, closed to unknown keys."""

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """A frozen noun of a study. An unknown key or a number that is not finite is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


HEAD = "head"
"""The name of the last stage of every network."""
