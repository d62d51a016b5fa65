"""Let probes of the chip record as seldom as they are told to, as Nengo's do."""

from __future__ import annotations

from typing import Any


def allow_sample_every(sim: Any, model: Any) -> None:
    """Let probes of the chip have ``sample_every``, which NengoLoihi refuses in a run.

    Parameters
    ----------
    sim : nengo_loihi.Simulator
        A simulator that has run no timestep.
    model : nengo_loihi.builder.Model
        Its model.
    """
    probes = [p for p in model.nengo_probes if p not in model.chip2host_params]
    if all(probe.sample_every is None for probe in probes):
        return

    def record() -> None:
        sim._probe_step_time()
        chip = sim.sims["loihi" if "loihi" in sim.sims else "emulator"]
        for probe in probes:
            rows = chip.collect_probe_output(model.objs[probe]["out"])
            first = sim.n_steps - len(rows) + 1
            period = 1 if probe.sample_every is None else probe.sample_every / sim.dt
            sim._probe_outputs[probe].extend(
                row for step, row in enumerate(rows, first) if step % period < 1
            )

    sim._probe = record
