"""NengoLoihi's emulator, bit for bit, with its inner loops compiled.

`open_simulator` opens a ``nengo_loihi.Simulator`` on it. Its synapses are flattened
once into arrays, which loops compiled by numba run over; host, probes and random
numbers are NengoLoihi's own. What these loops can't do runs on NengoLoihi's emulator.
"""

from __future__ import annotations

import logging
from typing import Any, Callable, Iterator

import nengo
import numpy as np
from nengo.ensemble import Neurons

from ...common.available_memory import check_memory
from ...common.checks import check_choice
from ...common.exceptions import InputError, UnsupportedError
from ...common.optional_imports import has_numba
from ...common.plain_text import plain_line
from ...compat import emulator as loihi_emulator, import_nengo_loihi
from ...compat.loihi_building import BuildFailure
from ..on_loihi.preparing import LoihiForm, prepare_network
from ..on_loihi.refusals import refusal

__all__ = ["EMULATORS", "open_simulator"]

logger = logging.getLogger(__name__)

EMULATORS = ("fast", "nengo-loihi")
"""Names of the emulators that `open_simulator` takes."""

MOST_PIECES = 128
"""Blocks that a part is split into at most, as many as a chip has cores."""

WEIGHT_BYTES = 32
"""Memory that a weight of a matrix between neurons takes at least, as NengoLoihi and
the emulator hold it [bytes]; 118 to 164 were measured."""


def open_simulator(
    network: nengo.Network, *, emulator: str | None = None, **options: Any
) -> Any:
    """Open a ``nengo_loihi.Simulator`` of a network.

    Parameters
    ----------
    network : nengo.Network
        Any network. It isn't changed; where NengoLoihi doesn't build it as it is,
        another that computes the same is made of its objects, by which
        ``sim.data`` can be asked as ever. `nengo_energy.loihi_network` says what was
        changed and why.
    emulator : {"fast", "nengo-loihi"}, optional
        What to run on, where no chip is attached: the compiled emulator, which is the
        default, or NengoLoihi's. Both give the same results to the last bit. Without
        numba, and for what the compiled one doesn't do (learning, and simulation in
        real numbers), NengoLoihi's runs, and the log says why.
    **options
        Passed on to ``nengo_loihi.Simulator``. With ``remove_passthrough=False``, all
        passthrough nodes stay on the host.

    Returns
    -------
    nengo_loihi.Simulator
        Ready to run.

    Raises
    ------
    InputError
        If there is no such emulator, one is asked for and the simulator runs on a chip,
        or there is too little memory.
    """
    merge = options.pop("remove_passthrough", True)
    form = prepare_network(network, remove_passthrough=merge)
    return open_prepared(form, emulator=emulator, **options)


def open_prepared(
    form: LoihiForm, *, emulator: str | None = None, **options: Any
) -> Any:
    """Open a ``nengo_loihi.Simulator`` of a prepared network; see `open_simulator`."""
    if emulator is not None:
        check_choice("emulator", emulator, EMULATORS)
    n_weights = sum(map(np.size, _matrices(form)))
    check_memory(
        f"building {n_weights:,} weights between neurons for the chip",
        WEIGHT_BYTES * n_weights,
        "have fewer neurons, or a part of the network on the host",
    )
    sim = _build(form, options)
    if "emulator" not in sim.sims:
        if emulator is not None:
            sim.close()
            raise InputError(
                f"emulator={emulator!r} was asked for, but the simulator runs on a "
                "chip; pass target='sim' as well"
            )
    elif emulator != "nengo-loihi":
        fast = fast_emulator()
        if fast is not None:
            try:
                loihi_emulator.replace_emulator(sim, fast)
            except UnsupportedError as reason:
                words = plain_line(str(reason))
                logger.info("NengoLoihi's own emulator runs, as %s", words)
    return sim


def _matrices(form: LoihiForm) -> Iterator[np.ndarray]:
    """Yield the matrices of weights between neurons that the chip stores in full."""
    for conn in form.network.all_connections:
        if all(isinstance(end, Neurons) for end in (conn.pre_obj, conn.post_obj)):
            target, transform = conn.post_obj.ensemble, conn.transform
            on_chip = form.stands_for.get(target, target) not in form.on_host
            if on_chip and isinstance(transform, nengo.Dense):
                yield transform.init  # a number, if it is one for all


def _build(form: LoihiForm, options: dict[str, Any]) -> Any:
    """Have NengoLoihi build a network, and split what doesn't fit on a core."""
    while True:
        try:
            return loihi_emulator.open_emulator(
                form.network,
                seeds=form.seeds,
                seeded=form.seeded,
                stands_for=form.stands_for,
                pieces=form.pieces,
                remove_passthrough=False,
                **options,
            )
        except BuildFailure as failure:
            pieces = form.pieces.get(failure.obj, 0)
            if not failure.excess or "model" in options or pieces > MOST_PIECES:
                name = form.stands_for.get(failure.obj, failure.obj)
                raise refusal(name, failure.reason, form.names) from failure.__cause__
            form.split_further(failure.obj, failure.excess)
            logger.info("%s", plain_line(str(form.splits[-1])))


def fast_emulator() -> Callable | None:
    """Return the class of the compiled emulator, or None if there is no numba."""
    import_nengo_loihi()
    if not has_numba("NengoLoihi's own emulator runs"):
        return None
    from .interface import FastEmulator

    return FastEmulator
