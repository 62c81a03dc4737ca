"""From stored rows to statistics, gates and verdicts: the only room that computes a statistic."""
