"""What NengoLoihi is told about where objects of a network are."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any, Iterable, Mapping

import nengo
from nengo.exceptions import ConfigError

from .loihi import import_nengo_loihi


def place_of(network: nengo.Network, ens: nengo.Ensemble) -> str | None:
    """Return where the configuration puts an ensemble: "chip", "host", or None."""
    config = network.config  # which keeps an entry of each object that it is asked for
    with contextlib.suppress(ConfigError, AttributeError):  # NengoLoihi adds it
        kept = config.params.get(ens, config[type(ens)])
        return {True: "chip", False: "host"}.get(kept.on_chip)
    return None


def put_on_host(network: nengo.Network, ensembles: Iterable[nengo.Ensemble]) -> None:
    """Put ensembles of a network of our own on the host."""
    import_nengo_loihi().add_params(network)
    for ens in ensembles:
        network.config[ens].on_chip = False


def copy_placement(
    source: nengo.Network,
    target: nengo.Network,
    exchanged: Mapping[Any, Any] | None = None,
) -> None:
    """Copy what NengoLoihi is told about each object to another network.

    NengoLoihi reads where ensembles are from the outermost network.

    Parameters
    ----------
    source, target : nengo.Network
        Networks that have the objects in common.
    exchanged : mapping, optional
        Objects of the first -> those that take their place in the other.
    """
    import_nengo_loihi().add_params(target)
    options = {
        ("on_chip", "block_shape"): source.all_ensembles,
        ("pop_type",): source.all_connections,
    }
    for names, objects in options.items():
        for obj, name in itertools.product(objects, names):
            with contextlib.suppress(ConfigError, AttributeError):
                value = getattr(source.config[obj], name)
                if value is not None:
                    new = (exchanged or {}).get(obj, obj)
                    setattr(target.config[new], name, value)
