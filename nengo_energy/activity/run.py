"""How a network is run on each of its inputs: the options of one run, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from ..common.checks import check_choice, check_count, check_counts, check_positive
from ..common.defaults import DT
from ..common.exceptions import InputError
from .emulator import EMULATORS
from .simulators import SIMULATORS, Schedule


@dataclass(frozen=True)
class Run:
    """Options of one run; public functions take them as keywords and hand this inwards.

    Attributes
    ----------
    timesteps : tuple of int
        Timesteps per inference at which counts are read, each number once, in any
        order. The run goes over the longest.
    simulator : {"nengo", "compiled", "nengo-dl", "loihi"}
        What the network is run on.
    dt : float
        Length of a timestep [s].
    warmup : int
        Timesteps before them that are run and not counted.
    minibatch_size : int or None
        Inferences that are run side by side; chosen by the size of the network if None.
    emulator : {"fast", "nengo-loihi"} or None
        For ``"loihi"``: see `nengo_energy.loihi.open_simulator`.
    progress : bool or None
        Show a progress bar; None for in a terminal, when the run is long.

    Raises
    ------
    InputError
        If an option has a value that isn't allowed.
    """

    timesteps: Sequence[int]
    simulator: str = "nengo"
    dt: float = DT
    warmup: int = 0
    minibatch_size: int | None = None
    emulator: str | None = None
    progress: bool | None = None

    def __post_init__(self) -> None:
        check_choice("simulator", self.simulator, SIMULATORS)
        self._set("timesteps", check_counts("timesteps", self.timesteps))
        self._set("warmup", check_count("warmup", self.warmup, minimum=0))
        self._set("dt", check_positive("dt", self.dt, "s"))
        if self.minibatch_size is not None:
            size = check_count("minibatch_size", self.minibatch_size)
            self._set("minibatch_size", size)
        if self.emulator is not None:
            check_choice("emulator", self.emulator, EMULATORS)
            if self.simulator != "loihi":
                raise InputError(
                    f"emulator={self.emulator!r} is for simulator='loihi'; "
                    f"got {self.simulator!r}"
                )

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def schedule(self) -> Schedule:
        """Which timesteps are run, and when counts are read."""
        return Schedule(self.warmup, tuple(sorted(self.timesteps)))
