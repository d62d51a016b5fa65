"""Deployment to Loihi by NengoLoihi: prepare a network, place it, account for it.

Names are loaded when first used: simulators need the emulator, and the ledger needs
what simulators measure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy_names import lazy_getattr

if TYPE_CHECKING:
    from .accounting import ledger_from_activity, ledger_from_run
    from .checks import Check, check_rates
    from .comparison import LedgerComparison
    from .costs import LedgerCosts
    from .emulator import open_simulator
    from .ledger import CoreLoad, Ledger
    from .network import build_loihi_network
    from .prepared import Change, LoihiNetwork

__all__ = [
    "Change",
    "Check",
    "CoreLoad",
    "Ledger",
    "LedgerComparison",
    "LedgerCosts",
    "LoihiNetwork",
    "build_loihi_network",
    "check_rates",
    "ledger_from_activity",
    "ledger_from_run",
    "open_simulator",
]

__getattr__ = lazy_getattr(
    __name__,
    {
        "Change": ("prepared", "Change"),
        "Check": ("checks", "Check"),
        "CoreLoad": ("ledger", "CoreLoad"),
        "Ledger": ("ledger", "Ledger"),
        "LedgerComparison": ("comparison", "LedgerComparison"),
        "LedgerCosts": ("costs", "LedgerCosts"),
        "LoihiNetwork": ("prepared", "LoihiNetwork"),
        "build_loihi_network": ("network", "build_loihi_network"),
        "check_rates": ("checks", "check_rates"),
        "ledger_from_activity": ("accounting", "ledger_from_activity"),
        "ledger_from_run": ("accounting", "ledger_from_run"),
        "open_simulator": ("emulator", "open_simulator"),
    },
)
