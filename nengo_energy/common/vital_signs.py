"""What a result begins with where its network is dead: silence, saturation, chance."""

from __future__ import annotations

from typing import Iterable, Iterator, Sequence

from .assumptions import Assumption
from .proportions import Share
from .tables import wrap

SILENT = "silent-layers"
SATURATED = "saturated-layers"
AT_CHANCE = "accuracy-at-chance"
KERAS_AT_CHANCE = "keras-at-chance"

ALERTS = (SILENT, SATURATED, AT_CHANCE, KERAS_AT_CHANCE)
"""Codes of what makes a number worthless, in the order they are said."""

DEAD = (SILENT, AT_CHANCE)
"""Those of settings that nobody wants, however little energy they take."""

LEAST_SPIKES = 0.1
"""Spikes per inference, of all its neurons, below which a layer is silent."""

MOST_SATURATED = 0.05
"""Share of neurons, over inferences, above which a layer is saturated."""

NAMED = 5
"""Layers that are named before the others are counted."""

RAISE = (
    'Convert with scale_firing_rates="auto", or a larger scale_firing_rates=, or run '
    "more timesteps."
)
LOWER = 'Convert with scale_firing_rates="auto", or a smaller scale_firing_rates=.'


def said_of_firing(
    silent: Sequence[str], saturated: Sequence[str]
) -> Iterator[Assumption]:
    """Yield what is to be said of layers that don't fire, or can't fire faster."""
    if silent:
        yield Assumption(
            SILENT,
            f"{_named(silent)} spiked less than once in ten inferences, so what "
            f"follows is of a network that is silent there. {RAISE}",
        )
    if saturated:
        yield Assumption(
            SATURATED,
            f"more than {MOST_SATURATED:.0%} of the neurons of {_named(saturated)} "
            f"fire as fast as they can, so their values are cut off. {LOWER}",
        )


def said_of_accuracy(
    accuracy: Share, keras: Share | None, n_classes: int
) -> Iterator[Assumption]:
    """Yield which of two accuracies can't be told from guessing, if one can't.

    It is nearer to that of guessing than to all right, and its interval reaches there.
    Of a Keras model that guesses, nothing better can come.
    """
    guessing = f"which can't be told from guessing among {n_classes} classes"
    if keras is not None and _is_guessing(keras, n_classes):
        yield Assumption(
            KERAS_AT_CHANCE,
            f"the Keras model is right on {keras}, {guessing}. Give a trained model, "
            "or more inferences, and check inputs and labels.",
        )
    elif _is_guessing(accuracy, n_classes):
        yield Assumption(
            AT_CHANCE,
            f"the spiking network is right on {accuracy}, {guessing}. {RAISE}",
        )


def _is_guessing(accuracy: Share, n_classes: int) -> bool:
    chance = 1 / n_classes
    return accuracy.interval[0] <= chance and accuracy.value < (1 + chance) / 2


def alerts(assumptions: Iterable[Assumption]) -> tuple[Assumption, ...]:
    """Return those of some assumptions that make a number worthless."""
    found = [a for a in assumptions if a.code in ALERTS]
    return tuple(sorted(found, key=lambda a: ALERTS.index(a.code)))


def is_dead(assumptions: Iterable[Assumption]) -> bool:
    """Tell whether a setting is one that nobody wants."""
    return any(a.code in DEAD for a in assumptions)


def format_alerts(assumptions: Iterable[Assumption]) -> list[str]:
    """Return what a result is to begin with: nothing, or a block of text."""
    found = alerts(assumptions)
    lines = [wrap(f"Warning: {a.text}") for a in found]
    return ["\n".join(lines)] if lines else []


def _named(layers: Sequence[str]) -> str:
    """Return names of layers, the first few of many."""
    more = len(layers) - NAMED
    words = ", ".join(layers[:NAMED])
    return f"{words} and {more} more layers" if more > 0 else words
