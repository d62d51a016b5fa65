"""Check how the layers of a saved model feed each other, before Keras follows them.

Keras waits for the inputs of a layer to be made: layers that feed each other in a
circle, or that are fed by what there is not, it would wait for for ever.
"""

from __future__ import annotations

from typing import Any, Iterator

from ..common.exceptions import InputError

Call = tuple[str, int]
"""A layer's name and the index of its call."""


def check_wiring(config: Any, source: str) -> None:
    """Refuse a configuration whose calls wait for each other, or for nothing.

    Parameters
    ----------
    config : object
        What was read from JSON; models within are looked at as well.
    source : str
        Where it is from, for messages.

    Raises
    ------
    InputError
        Layers feed each other in a circle, or are fed by a call that isn't there.
    """
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            layers = value.get("layers")
            if isinstance(layers, list) and "output_layers" in value:
                _check_calls(_calls_of(layers, value["output_layers"]), source)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _calls_of(layers: list[Any], outputs: Any) -> dict[Call, set[Call]]:
    """Return the calls of a model's layers, each with those that feed it."""
    layers = [layer for layer in layers if isinstance(layer, dict)]
    names = {_name_of(layer) for layer in layers}
    last: dict[str, int] = {}
    for name, index in _references([layers, outputs], names):
        last[name] = max(last.get(name, 0), index)
    calls: dict[Call, set[Call]] = {}
    for layer in layers:
        name, nodes = _name_of(layer), layer.get("inbound_nodes")
        nodes = nodes if isinstance(nodes, list) else []
        # The calls of a model within may begin with that by which it was made, which
        # isn't among its nodes. The last call is always used, so its number tells.
        first = int(_is_model(layer) and last.get(name, 0) == len(nodes))
        if layer.get("class_name") == "InputLayer":  # others without nodes give nothing
            calls[name, 0] = set()
        for index, node in enumerate(nodes, first):
            calls[name, index] = set(_references(node, names))
    return calls


def _is_model(layer: dict[str, Any]) -> bool:
    config = layer.get("config")
    return isinstance(config, dict) and isinstance(config.get("layers"), list)


def _name_of(layer: dict[str, Any]) -> str:
    """Return what other layers call a layer."""
    config = layer.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    return str(layer.get("name", name))


def _references(value: Any, names: set[str]) -> Iterator[Call]:
    """Yield the calls that are named in one: ``["conv", 0, 0]``, at any depth."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            if _is_reference(item, names):
                # what is no number is no call either, and is found missing
                yield item[0], item[1] if type(item[1]) is int else -1
            waiting.extend(item)


def _is_reference(item: list[Any], names: set[str]) -> bool:
    """Tell whether a list is a layer's name, the number of a call and of an output."""
    if len(item) not in (3, 4) or not isinstance(item[0], str) or item[0] not in names:
        return False
    return int in (type(item[1]), type(item[2])) or isinstance(item[-1], dict)


def _check_calls(calls: dict[Call, set[Call]], source: str) -> None:
    """Make all calls that can be made; those that are left wait for each other."""
    for call, fed_by in calls.items():
        for name, index in fed_by.difference(calls):
            raise InputError(
                f"{source} is damaged: layer {call[0]!r} is fed by call {index} of "
                f"layer {name!r}, which there is not"
            )
    feeds: dict[Call, list[Call]] = {call: [] for call in calls}
    for call, fed_by in calls.items():
        for other in fed_by:
            feeds[other].append(call)
    n_missing = {call: len(fed_by) for call, fed_by in calls.items()}
    ready = [call for call, n in n_missing.items() if n == 0]
    while ready:
        for fed in feeds[ready.pop()]:
            n_missing[fed] -= 1
            if n_missing[fed] == 0:
                ready.append(fed)
    circle = sorted({name for (name, _), n in n_missing.items() if n > 0})
    if circle:
        raise InputError(
            f"{source} is damaged: its layers feed each other in a circle: "
            f"{', '.join(circle)}"
        )
