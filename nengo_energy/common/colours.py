"""Names and colours of operations, the same in figures and pages."""

from __future__ import annotations

from typing import Mapping, NamedTuple


class Look(NamedTuple):
    """How an operation is shown.

    Attributes
    ----------
    words : str
        What charts call it.
    light, dark : str
        Its colour on a light and on a dark page.
    """

    words: str
    light: str
    dark: str


# Hues of M. Okabe and K. Ito (jfly.uni-koeln.de/color, 2008), which people of all kinds
# of colour vision tell apart; what belongs together has one hue in two shades.
OPERATIONS: Mapping[str, Look] = {
    "synop": Look("synop", "#0072b2", "#3f9bd6"),
    "neuron_update_active": Look("neuron update, active", "#00805d", "#23b58b"),
    "neuron_update_inactive": Look("neuron update, inactive", "#7fc9b0", "#1d6b55"),
    "spike": Look("spike", "#e69f00", "#f0b638"),
    "message": Look("message", "#d55e00", "#ee7d2b"),
    "hop_east_west": Look("hop east or west", "#cc79a7", "#dd94bd"),
    "hop_north_south": Look("hop north or south", "#e8c1d6", "#8f5274"),
    "mac": Look("multiply-accumulate", "#56b4e9", "#7cc8f2"),
    "activation": Look("activation", "#882255", "#c2588e"),
    "addition": Look("addition", "#999933", "#bdbd5a"),
    "kernel": Look("kernel", "#117733", "#55b678"),
    "weight_byte": Look("byte of weights", "#332288", "#8d7fdc"),
    "activation_byte": Look("byte of activations", "#aa9fdd", "#5b4fae"),
    "state_byte": Look("byte of states", "#cc9977", "#a3714f"),
    "fixed": Look("fixed", "#5a5a5a", "#a5a5a5"),
    "static": Look("static power", "#b4b4b4", "#6a6a6a"),
}
"""Operations in the order they are stacked."""

LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255")
"""Colours of devices and other series, in order."""
