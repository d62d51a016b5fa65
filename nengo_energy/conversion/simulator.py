"""Open a simulator of a converted network, which shows it an input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Mapping

import nengo

from ..activity.simulators.sequential import refuse_volumes
from ..common.checks import check_choice
from ..common.defaults import DT
from ..common.exceptions import InputError
from ..compat import import_nengo_dl
from .inputs import presented

if TYPE_CHECKING:
    from .keras_network import KerasNetwork


def open_simulator(
    model: KerasNetwork,
    name: str,
    x: Any,
    presentation_time: float | None,
    on_host: Iterable[str] | None,
    options: Mapping[str, Any],
) -> Any:
    """Return an open simulator; see `SpikingModel.simulator`."""
    check_choice("simulator", name, ("nengo-dl", "nengo", "loihi"))
    if name != "loihi" and not (presentation_time is None and on_host is None):
        raise InputError(
            "presentation_time and on_host are for the simulator 'loihi'; "
            f"got {name!r}"
        )
    if name == "nengo-dl":
        if x is not None:
            raise InputError(
                "nengo-dl takes its input when it runs: "
                "sim.run_steps(n, data={snn.inputs[model.input]: x}), with x of "
                "shape (minibatch, timesteps, size)"
            )
        return import_nengo_dl().Simulator(model.net, **options)
    if name == "nengo":
        refuse_volumes(model.net)
        sim = nengo.Simulator(model.net, **options)
    else:
        shown: Mapping[Any, nengo.Process] = {}
        if x is not None:
            data = model.as_input(x, single=presentation_time is None)
            varies = any(rows.ndim == 3 for rows in data.values())
            if presentation_time is not None or varies:
                shown = presented(data, presentation_time, DT)
        prepared = model.loihi_network(on_host=on_host, presented=shown)
        sim = prepared.simulator(**options)
        if shown:
            return sim
    if x is not None:
        model.feed(sim, x)
    return sim
