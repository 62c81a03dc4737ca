"""Threads of NumPy in commands that search for copies of images."""

import os
import sys


def compute_on_one_thread() -> None:
    """Give NumPy one thread, unless it is loaded already or the user has given it some.

    The search multiplies many small matrices. Several threads wait for each other at each of them,
    the longer the busier the machine is.
    """
    if "numpy" not in sys.modules:
        from headstart.core.thread_budget import ONE_THREAD

        os.environ.update(ONE_THREAD | os.environ)
