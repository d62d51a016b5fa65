"""A grid of settings -> its points, and the few simulations that they need."""

from __future__ import annotations

import hashlib
import inspect
import itertools
import json
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Sequence

import nengo
import numpy as np

from ..activity.simulators import SIMULATORS
from ..common.checks import check_choice, check_count, check_positive
from ..common.defaults import DT
from ..common.exceptions import InputError

NEURONS = (
    "IntegrateAndFire",
    "LoihiSpikingRectifiedLinear",
    "LoihiLIF",
    "SpikingRectifiedLinear",
    "LIF",
    "AdaptiveLIF",
)
"""Neuron types that may be given by name; others as an object."""

DEFAULTS: Mapping[str, Any] = {
    "scale_firing_rates": None,
    "synapse": None,
    "neuron": None,
    "dt": DT,
    "simulator": "compiled",
    "warmup": 0,
    "timesteps": 50,
}
"""Settings of a point that the grid doesn't name."""

NETWORK_SETTINGS = ("scale_firing_rates", "synapse", "neuron")
"""Those of them that the converted network depends on."""

RUN_SETTINGS = ("simulator", "dt", "warmup")
"""Those that say how it is run."""

DEVICES = "devices"
"""Key of the grid for the devices, on which every point is priced."""


@dataclass(frozen=True)
class Simulation:
    """What is simulated once, for all points that differ in timesteps alone.

    Attributes
    ----------
    key : str
        Tells it from the others, the same in every run of the sweep.
    settings : Mapping
        Values by name, without timesteps and what the user's function is given.
    parameters : Mapping
        What the user's function is given.
    timesteps : tuple of int
        Timesteps at which counts are read, ascending.
    """

    key: str
    settings: Mapping[str, Any]
    parameters: Mapping[str, Any]
    timesteps: tuple[int, ...]


@dataclass(frozen=True)
class Point:
    """One point of the grid.

    Attributes
    ----------
    settings : Mapping
        Values by name as they are shown, in the order of the columns.
    timesteps : int
        Timesteps per inference.
    simulation : str
        Key of the simulation that it needs.
    """

    settings: Mapping[str, Any]
    timesteps: int
    simulation: str


@dataclass(frozen=True)
class Plan:
    """A checked grid.

    Attributes
    ----------
    axes : Mapping of {str: list}
        Values by name as they are shown, all that aren't left at one default.
    points : tuple of Point
        In the order of the grid, its last name changing fastest.
    simulations : tuple of Simulation
        What the points need: those of one model in a row, and those of one network.
    devices : sequence or None
        What the grid holds under ``"devices"``.
    """

    axes: Mapping[str, Sequence[Any]]
    points: tuple[Point, ...]
    simulations: tuple[Simulation, ...]
    devices: Any = field(default=None)


def plan_grid(grid: Any, builder: Callable[..., Any] | None = None) -> Plan:
    """Check a grid, and return its points and simulations.

    Parameters
    ----------
    grid : mapping
        Values, or one value, by name: the names of `DEFAULTS`, ``"devices"``, and
        parameters of the builder.
    builder : callable, optional
        The user's function that builds the model, where there is one.

    Raises
    ------
    InputError
        If the grid is empty, a name isn't known, or a value isn't allowed.
    """
    if not isinstance(grid, Mapping):
        raise InputError(
            f"grid must be a mapping of names to values; got {type(grid).__name__}"
        )
    axes = {str(name): _values(str(name), value) for name, value in grid.items()}
    devices = axes.pop(DEVICES, None)
    if not axes:
        raise InputError(
            "grid is empty; it must hold values for at least one of "
            f"{', '.join(DEFAULTS)}"
        )
    _check_names(axes, builder)
    for name, values in axes.items():
        for value in values:
            if name in _CHECKS:
                _CHECKS[name](value)
    shown = {name: [printable(value) for value in axes[name]] for name in axes}
    for name, values in shown.items():
        texts = [_text({name: value}) for value in values]
        for text in texts:
            if texts.count(text) > 1:
                raise InputError(f"grid holds {text} twice")
    return _expand(axes, shown, devices)


def _expand(
    axes: Mapping[str, Sequence[Any]], shown: Mapping[str, Sequence[Any]], devices: Any
) -> Plan:
    points = []
    simulations: dict[str, Simulation] = {}
    places: dict[str, tuple[int, ...]] = {}
    slow_first = sorted((name for name in axes if name != "timesteps"), key=_rank)
    for indices in itertools.product(*(range(len(v)) for v in axes.values())):
        index = dict(zip(axes, indices))
        chosen = {name: axes[name][i] for name, i in index.items()}
        names = {name: shown[name][i] for name, i in index.items()}
        full = {**DEFAULTS, **names}
        timesteps = int(full.pop("timesteps"))
        key = hashlib.sha256(_text(full).encode()).hexdigest()[:16]
        known = simulations.get(key)
        marks = {timesteps, *(known.timesteps if known else ())}
        values = {**DEFAULTS, **chosen}
        simulations[key] = Simulation(
            key,
            {n: v for n, v in values.items() if n in DEFAULTS and n != "timesteps"},
            {n: v for n, v in values.items() if n not in DEFAULTS},
            tuple(sorted(marks)),
        )
        places[key] = tuple(index[name] for name in slow_first)
        points.append(Point({**full, "timesteps": timesteps}, timesteps, key))
    ordered = sorted(simulations.values(), key=lambda s: places[s.key])
    return Plan(shown, tuple(points), tuple(ordered), devices)


def _rank(name: str) -> int:
    """Tell what a change of a value asks for: another model, network or simulation."""
    if name not in DEFAULTS:
        return 0
    return 1 if name in NETWORK_SETTINGS else 2


def _text(settings: Mapping[str, Any]) -> str:
    """Return settings as text that is the same for the same settings: 100 is 100.0."""

    def normal(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: normal(item) for key, item in value.items()}
        return float(value) if isinstance(value, int) else value

    floats = ("scale_firing_rates", "synapse", "dt")
    named = {n: normal(v) if n in floats else v for n, v in settings.items()}
    return json.dumps(named, sort_keys=True)


def _values(name: str, value: Any) -> list[Any]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    values = list(value) if isinstance(value, (list, tuple, range)) else [value]
    if not values:
        raise InputError(f"grid holds no values for {name}")
    return values


def _check_names(axes: Mapping[str, Any], builder: Callable[..., Any] | None) -> None:
    unknown = [name for name in axes if name not in DEFAULTS]
    known = [*DEFAULTS, DEVICES]
    if builder is not None:
        parameters = inspect.signature(builder).parameters.values()
        if any(p.kind == p.VAR_KEYWORD for p in parameters):
            return
        kinds = (
            inspect.Parameter.KEYWORD_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        )
        own = [p.name for p in parameters if p.kind in kinds]
        unknown = [name for name in unknown if name not in own]
        known += [name for name in own if name not in DEFAULTS]
    if unknown:
        hint = (
            ""
            if builder is not None
            else "; parameters of your own need a function that builds the model"
        )
        raise InputError(
            f"grid holds unknown names {', '.join(unknown)}; known: "
            f"{', '.join(known)}{hint}"
        )


def _check_scale(value: Any) -> None:
    for item in value.values() if isinstance(value, Mapping) else [value]:
        if item is not None and item != "auto":
            check_positive("scale_firing_rates", item, "Hz")


def _check_synapse(value: Any) -> None:
    if value is not None and not isinstance(value, nengo.synapses.Synapse):
        check_positive("synapse", value, "s")


def _check_neuron(value: Any) -> None:
    if value is None or isinstance(value, nengo.neurons.NeuronType):
        return
    if value not in NEURONS:
        raise InputError(
            f"neuron must be a neuron type of Nengo, or one of {', '.join(NEURONS)}; "
            f"got {value!r}"
        )


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "scale_firing_rates": _check_scale,
    "synapse": _check_synapse,
    "neuron": _check_neuron,
    "dt": lambda value: check_positive("dt", value, "s"),
    "simulator": lambda value: check_choice("simulator", value, SIMULATORS),
    "warmup": lambda value: check_count("warmup", value, minimum=0),
    "timesteps": lambda value: check_count("timesteps", value),
}


def printable(value: Any) -> Any:
    """Return a value as it is shown, saved and told from others.

    Raises
    ------
    InputError
        If it prints as an address in memory, which is another one the next time.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {_key_name(key): printable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable(item) for item in value]
    text = repr(value)
    if " at 0x" in text:
        raise InputError(
            f"{text} can't be told from others of its kind in another process; give a "
            "name or a number, and make the object of it in the function that builds "
            "the model"
        )
    return text


def _key_name(key: Any) -> str:
    """Return the name of a layer or function, or what else a mapping is by."""
    name = getattr(key, "name", None) or getattr(key, "__name__", None)
    return name if isinstance(name, str) else str(printable(key))
