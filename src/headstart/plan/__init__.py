"""From a study and the facts of its data to trials and steps with keys. Pure, without torch."""
