"""OpCounts x Device -> EnergyEstimate: what the counted operations cost in joules."""

from __future__ import annotations

import platform
import warnings
from typing import Mapping, Sequence

from ..common.assumptions import Assumption, merge_assumptions
from ..common.checks import check_flag
from ..common.exceptions import ExtrapolationWarning, InputError
from ..common.plain_text import plain_line
from ..common.version import __version__
from ..common.vital_signs import said_of_firing
from ..counts import ConventionalOps, OpCount, OpCounts
from ..devices import Device
from ..estimates.estimate import DeviceLike, EnergyEstimate
from ..estimates.rows import Interval, NotModelled
from .assumptions import (
    said_of_batch_size,
    said_of_decoded,
    said_of_deployment,
    said_of_intervals,
    said_of_omitted,
    said_of_prices,
)
from .charges import Charge, charge
from .memory import moved, with_memory
from .resolving import resolve_devices, resolve_host

SPREAD_OF_COUNTS = Assumption(
    "spread-of-counts",
    "std is the spread of the counts over inferences, times the price; rows vary "
    "together, so no std is given for their sums.",
)


def estimate_energy(
    counts: OpCounts | ConventionalOps,
    devices: DeviceLike | Sequence[DeviceLike],
    *,
    host: DeviceLike | None = None,
    batch_size: int | None = None,
    memory: bool = False,
) -> EnergyEstimate:
    """Price counted operations on devices.

    energy = fixed energy + sum over operations (count x energy per operation)
    + static power x latency

    Devices of kind ``"event"`` are charged for the spiking network, devices of kind
    ``"dense"`` for the conventional one. An operation without a price isn't zero: it
    stays out of the totals and is listed in ``not_modelled``.

    Parameters
    ----------
    counts : OpCounts or LayerOps
        Operations of the network, counted once for any number of devices; of a
        conventional network alone, what `nengo_energy.count_layer_ops` returns.
    devices : str, Device, or sequence of them
        Devices to price on; names as in ``ne.devices.names()``.
    host : str or Device, optional
        Device of kind ``"dense"`` that prices what the host does for the others.
    batch_size : int, optional
        Inferences that run together on devices whose prices tell what a batch takes
        once; others keep theirs, and the estimate says so.
    memory : bool
        Count the bytes of weights and states that the spiking network moves beside its
        synops, and charge them where a device prices them (``cmos45-spiking``).

    Returns
    -------
    EnergyEstimate
        Energies in J per inference.

    Warns
    -----
    ExtrapolationWarning
        When the network lies outside of what a device was fitted to.

    Raises
    ------
    NotFoundError
        When a device isn't known.
    InputError
        When the counts don't hold the network that a device runs, or a device is
        named twice.
    UnsupportedError
        When nothing is published from which the energy on a device could be told; the
        message says what is.

    Examples
    --------
    >>> estimate = estimate_energy(counts, ["cpu", "loihi"])  # doctest: +SKIP
    >>> estimate.total("loihi")  # J per inference  # doctest: +SKIP
    """
    counts = _as_counts(counts)
    if check_flag("memory", memory):
        counts = with_memory(counts)
    models = resolve_devices(devices)
    one_batch: list[str] = []
    if batch_size is not None:
        one_batch = [
            m.name for m in models if m.kind == "dense" and not m.takes_batches
        ]
        models = tuple(m.at_batch(batch_size) if m.takes_batches else m for m in models)
    host_model = None if host is None else resolve_host(host)
    charges = [
        _charge(counts.deployed() if model.spike_input else counts, model, host_model)
        for model in models
    ]
    omitted = _merge_counts([item for c in charges for item in c.omitted])
    rows = tuple(row for c in charges for row in c.rows)
    intervals = {
        model.name: c.interval
        for model, c in zip(models, charges)
        if c.interval is not None
    }
    _warn_of_extrapolation(intervals)
    return EnergyEstimate(
        rows=rows,
        models=models,
        latencies={
            model.name: c.latency
            for model, c in zip(models, charges)
            if c.latency is not None
        },
        intervals=intervals,
        not_modelled=omitted,
        assumptions=merge_assumptions(
            (
                said_of_firing(counts.silent, counts.saturated)
                if any(model.kind == "event" for model in models)
                else ()
            ),
            counts.assumptions,
            said_of_deployment(counts, models),
            said_of_decoded(counts, models),
            said_of_prices(models, host_model, charges),
            said_of_intervals(intervals),
            [said_of_batch_size(one_batch, batch_size)] if one_batch else [],
            [SPREAD_OF_COUNTS] if any(row.std > 0 for row in rows) else [],
            (Assumption(f"device-{m.name}", n) for m in models for n in m.notes),
            said_of_omitted(omitted),
        ),
        settings={
            **counts.settings,
            "timesteps": counts.timesteps,
            "dt": counts.dt,
            "n_inferences": max((row.n_inferences for row in counts.rows), default=0),
            "host": None if host_model is None else host_model.name,
            **({} if batch_size is None else {"batch_size": batch_size}),
            "versions": _versions(counts),
        },
        moved=moved(counts),
    )


def _as_counts(counts: object) -> OpCounts:
    """Return counts as `OpCounts`, also where a conventional network's were given."""
    if isinstance(counts, OpCounts):
        return counts
    if hasattr(counts, "to_counts") and hasattr(counts, "assumptions"):
        return OpCounts(counts.to_counts(), assumptions=counts.assumptions)
    if isinstance(counts, (list, tuple)) and all(
        isinstance(row, OpCount) for row in counts
    ):
        return OpCounts(tuple(counts))
    raise InputError(
        "counts must be OpCounts, from count_ops, or what count_layer_ops returns; "
        f"got {type(counts).__name__}"
    )


def _warn_of_extrapolation(intervals: Mapping[str, Interval]) -> None:
    """Warn of devices that were fitted to nothing like the network, by name."""
    for name, interval in intervals.items():
        if interval.outside:
            warnings.warn(
                f"{plain_line(name)}: {'; '.join(interval.outside)}; its interval is "
                f"widened to a factor of {interval.factor:.3g} to both sides",
                ExtrapolationWarning,
                stacklevel=3,
            )


def _versions(counts: OpCounts) -> dict[str, object]:
    """Return the versions of all packages that took part, this one among them."""
    known = counts.settings.get("versions")
    others = known if isinstance(known, Mapping) else {}
    python = platform.python_version()
    return {**others, "nengo-energy": __version__, "python": python}


def _charge(counts: OpCounts, model: Device, host: Device | None) -> Charge:
    _check_network_counted(counts, model)
    charged = charge(counts, model, host)
    if not charged.rows:
        raise InputError(
            f"device {model.name!r} prices none of the counted operations; it "
            f"prices {', '.join(model.energies) or 'static power alone'}"
        )
    return charged


def _check_network_counted(counts: OpCounts, model: Device) -> None:
    if counts.select(model.kind):
        return
    if model.kind == "dense":
        raise InputError(
            f"device {model.name!r} runs the conventional network, and the counts "
            "hold none; count the layers of the Keras model and pass them on with "
            "layer_ops=ne.count_layer_ops(model)"
        )
    raise InputError(
        f"device {model.name!r} runs the spiking network, and the counts hold none. "
        "Measure its activity and pass ne.count_ops(topology, activity); if that is "
        "what they are, the network has no neurons: it is nodes, and ensembles of "
        "Direct neurons, which are the host's, and there is nothing to price on the "
        "device"
    )


def _merge_counts(omitted: Sequence[NotModelled]) -> tuple[NotModelled, ...]:
    """Add up what is left out of the same device for the same reason."""
    merged: dict[tuple[str, str, str, str], float | None] = {}
    for item in omitted:
        key = (item.device, item.operation, item.reason, item.where)
        merged[key] = (
            None if item.count is None else (merged.get(key) or 0.0) + item.count
        )
    items = [
        NotModelled(device, operation, reason, count, where)
        for (device, operation, reason, where), count in merged.items()
    ]
    return tuple(sorted(items, key=lambda item: item.count is None))  # counted first
