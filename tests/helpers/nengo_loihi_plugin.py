"""A pytest plugin under which NengoLoihi's own tests run; see run_nengo_loihi_tests.py.

It lets them find what they import of older versions of Nengo, and, if the environment
variable ``NENGO_LOIHI_EMULATOR`` is ``fast``, the compiled emulator in place of
NengoLoihi's.
"""

from __future__ import annotations

import os
import sys
import types

import nengo
import nengo.builder.transforms

from nengo_energy.common.exceptions import UnsupportedError
from nengo_energy.compat import import_nengo_loihi


def stand_in_for_npconv2d() -> None:
    """Give what Nengo 3 had as a vendored package, and Nengo 4.1 has as functions."""
    conv2d = types.ModuleType("nengo._vendor.npconv2d.conv2d")
    conv2d.conv2d = nengo.builder.transforms.conv2d
    conv2d.conv2d_gradx = nengo.builder.transforms.conv2d_gradx
    package = types.ModuleType("nengo._vendor.npconv2d")
    package.conv2d = conv2d
    nengo._vendor = sys.modules.setdefault(
        "nengo._vendor", types.ModuleType("nengo._vendor")
    )
    nengo._vendor.npconv2d = package
    sys.modules[package.__name__], sys.modules[conv2d.__name__] = package, conv2d


def swap_emulator() -> None:
    """Put the compiled emulator in all places where NengoLoihi's own is found."""
    import nengo_loihi.emulator.interface
    import nengo_loihi.simulator

    from nengo_energy.activity.emulator.interface import FastEmulator

    stock = nengo_loihi.emulator.EmulatorInterface

    class EmulatorInterface:
        """The compiled emulator, or NengoLoihi's for what that one doesn't do."""

        strict = stock.strict  # which the tests set

        def __new__(cls, model, seed=None):
            stock.strict = cls.strict
            try:
                return FastEmulator(model, seed)
            except UnsupportedError:
                return stock(model, seed)

    for module in (
        nengo_loihi.emulator,
        nengo_loihi.emulator.interface,
        nengo_loihi.simulator,
    ):
        module.EmulatorInterface = EmulatorInterface


import_nengo_loihi()
if not hasattr(nengo, "_vendor") or not hasattr(nengo._vendor, "npconv2d"):
    stand_in_for_npconv2d()
if os.environ.get("NENGO_LOIHI_EMULATOR") == "fast":
    swap_emulator()
