"""Execution of steps: one function per kind, the worker, executors, the scheduler."""
