"""What figures and pages ask of the frames that they draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

from ..common.exceptions import InputError, NotFoundError

if TYPE_CHECKING:
    import pandas


def check_columns(
    name: str, frame: pandas.DataFrame, columns: Sequence[str]
) -> pandas.DataFrame:
    """Return a frame that must have some columns."""
    missing = [column for column in columns if column not in frame]
    if missing:
        raise InputError(
            f"{name} lacks the columns {', '.join(missing)}; it has "
            f"{', '.join(map(str, frame)) or 'none'}"
        )
    return frame


def energy_devices(
    frame: pandas.DataFrame, devices: str | Sequence[str] | None = None
) -> list[str]:
    """Return the devices that a frame has a column ``energy <device>`` of.

    Parameters
    ----------
    frame : pandas.DataFrame
        A curve over timesteps, or a sweep.
    devices : str or sequence of str, optional
        Those that it must have.
    """
    known = [str(c)[len("energy ") :] for c in frame if str(c).startswith("energy ")]
    if not known:
        columns = ", ".join(map(str, frame))
        raise InputError(f"frame has no column 'energy <device>'; it has {columns}")
    chosen = [devices] if isinstance(devices, str) else devices
    for name in chosen or ():
        if name not in known:
            raise NotFoundError(f"device {name!r} not found; known: {', '.join(known)}")
    return known if chosen is None else list(chosen)


def best_quantity(curve: pandas.DataFrame) -> str:
    """Return what a curve over timesteps shows: accuracy where labels were known."""
    known = "accuracy" in curve and bool(curve["accuracy"].notna().any())
    return "accuracy" if known else "agreement"


def keras_accuracy(outputs: pandas.DataFrame | None, name: object) -> float | None:
    """Return the accuracy of the Keras model's output of a name, None if unknown."""
    if outputs is None or "keras_accuracy" not in outputs:
        return None
    rows = outputs if not name else outputs[outputs["output"] == name]
    values = rows["keras_accuracy"].dropna()
    return float(values.iloc[0]) if len(values) else None


def tradeoff_columns(
    frame: pandas.DataFrame, device: str, dense: Sequence[str] = ()
) -> tuple[str, str]:
    """Return the columns of a device's energy, and of the accuracy that it buys.

    Parameters
    ----------
    frame : pandas.DataFrame
        A sweep.
    device : str
        The device.
    dense : sequence of str
        Devices that run the Keras model, so have its accuracy, where it is known.
    """
    runs_keras = device in dense and "keras_accuracy" in frame
    return f"energy {device}", "keras_accuracy" if runs_keras else "accuracy"


def is_alive(frame: pandas.DataFrame) -> pandas.Series:
    """Return which rows of a sweep aren't dead, where it says so."""
    import pandas as pd

    dead = frame["dead"] if "dead" in frame else pd.Series(False, frame.index)
    return ~dead.astype(bool)


_RESULTS = (
    "n_inferences",
    "accuracy",
    "keras_accuracy",
    "agreement",
    "spikes",
    "synops",
    "energy ",
    "low ",
    "high ",
    "latency ",
    "dead",
    "seed",
    "versions",
    "error",
)
"""How the columns of a sweep begin that aren't settings."""


def varied_settings(frame: pandas.DataFrame) -> list[str]:
    """Return the columns of a sweep that hold settings which differ between rows."""
    return [
        str(column)
        for column in frame
        if not str(column).startswith(_RESULTS) and frame[column].nunique() > 1
    ]
