"""Leave the random numbers of the user's program as they would be without us."""

from __future__ import annotations

import contextlib
from typing import Iterator

import numpy as np


@contextlib.contextmanager
def kept_random_state() -> Iterator[None]:
    """Put NumPy's global random state back, from which Nengo draws with each network.

    It can also decorate a function: what comes of it must not depend on the numbers
    that are drawn, as what comes of a converted network doesn't.
    """
    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)
