"""The checks of the protocol (SCIENCE.md 12): of the data, of the trainings, of the whole study."""
