"""Registry of all rules, those first that leave least of a conclusion."""

from headstart.audit.rules import (
    arm_rules,
    data_rules,
    design_rules,
    held_out_rules,
    mode_rules,
    weight_rules,
)
from headstart.audit.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    *weight_rules.RULES,
    *held_out_rules.RULES,
    *design_rules.RULES,
    *arm_rules.RULES,
    *data_rules.RULES,
    *mode_rules.RULES,
)
