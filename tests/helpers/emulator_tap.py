"""A tap inside NengoLoihi's own emulator that counts weight by weight."""

from __future__ import annotations

import numpy as np

from nengo_energy.compat import import_nengo_loihi


class Tap:
    """Counts inside the emulator, weight by weight, what spikes read on each core.

    Zeros are counted of weights that don't learn.
    """

    def __init__(self, monkeypatch):
        import_nengo_loihi()
        from nengo_loihi.emulator import interface

        self.weights, self.zeros, self.arrived = {}, {}, {}
        stock = interface.SynapseState.update_input

        def tapped(state, inputs):
            for synapse, _ in state.items():
                block = state.block_map[synapse]
                for spike in state.spikes_in[synapse]:
                    if synapse.axon_compartment_base(spike.axon_idx) is None:
                        continue
                    weights, _ = synapse.axon_weights_indices(
                        spike.axon_idx, atom=spike.atom
                    )
                    self.count(self.weights, block, weights.size)
                    if not synapse.learning:
                        self.count(self.zeros, block, np.sum(weights == 0))
                    self.count(self.arrived, block, int(weights.size > 0))
            stock(state, inputs)

        monkeypatch.setattr(interface.SynapseState, "update_input", tapped)

    @staticmethod
    def count(table, block, n):
        table[block] = table.get(block, 0) + int(n)
