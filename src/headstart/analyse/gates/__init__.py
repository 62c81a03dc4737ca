"""The checks of docs/checks.md: of the data, of the trainings, of the whole study."""
