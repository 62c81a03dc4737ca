"""Checks of docs/checks.md: gates on stored runs, audits of finished numbers and sentences."""
