"""What learning rules do, against Nengo's own operators, counted one by one."""

from __future__ import annotations

import logging
from collections import Counter

import nengo
import numpy as np
import pytest
from learning_networks import LEARNERS, ON_LOIHI, learning_network
from nengo.builder.operator import DotInc
from nengo.builder.processes import SimProcess
from numpy.testing import assert_allclose, assert_array_equal

import nengo_energy as ne
from nengo_energy.activity.emulator import open_simulator
from nengo_energy.compat import import_nengo_loihi
from nengo_energy.network.learning import rules_of

X = np.array([[0.5, -0.3], [0.5, -0.3], [0.1, 0.4]])
STEPS, WARMUP = 41, 6


def operators_of_rules(net):
    """Count what Nengo's own operators of learning rules work on in a timestep."""
    model = nengo.builder.Model()
    model.build(net)
    writer = {
        signal: op
        for op in model.operators
        for signal in [*op.sets, *op.incs, *op.updates]
    }
    found = Counter()
    for conn in net.all_connections:
        for rule in rules_of(conn):
            delta = model.sig[rule]["delta"]
            (op,) = [op for op in model.operators if delta in op.updates]
            (inc,) = [op for op in model.operators if delta in op.reads]
            assert inc.inc  # Copy: what changes += delta
            found["learning_update"] += inc.dst.size
            learnt = {model.sig[conn]["weights"]}
            if isinstance(conn.post_obj, nengo.Ensemble):
                learnt.add(model.sig[conn.post_obj]["encoders"])
            found["learning_read"] += sum(s.size for s in op.reads if s in learnt)
            found["learning_state"] += sum(s.size for s in op.updates if s is not delta)
            for signal in op.reads:
                source = writer.get(signal)
                if isinstance(source, SimProcess) and source.mode == "set":
                    state = sum(s.size for s in source.state.values())
                    found["learning_state"] += state
                for product in model.operators:
                    if isinstance(product, DotInc) and product.tag == "PES:encode":
                        if product.Y is signal:
                            found["mac"] += product.A.size
    return found


@pytest.mark.parametrize("name", LEARNERS)
def test_operations_equal_those_of_nengos_operators(name):
    net = learning_network(name)
    topology = ne.trace_topology(net)
    activity = ne.measure_activity(net, X, timesteps=STEPS, warmup=WARMUP)
    counts = ne.count_ops(topology, activity)
    assert activity.populations["post"].spikes.sum() > 20
    expected = operators_of_rules(net)
    assert expected["learning_update"] >= 30
    for operation, n in expected.items():
        rows = [
            r for r in counts.rows if (r.operation, r.where) == (operation, "device")
        ]
        assert sum(row.total for row in rows) == n * STEPS * len(X), operation
        assert isinstance(sum(row.total for row in rows), int)


@pytest.mark.parametrize("name", LEARNERS)
def test_each_inference_learns_afresh(name):
    net = learning_network(name)
    activity = ne.measure_activity(net, X, timesteps=STEPS)
    first, second, third = activity.populations["post"].spikes_per_inference
    assert first == second
    with nengo.Simulator(net, progress_bar=False) as sim:
        spikes = count_spikes(sim, net.nodes[0], X[0], net.ensembles[1])
    assert first == spikes > 0


def count_spikes(sim, node, x, ensemble):
    sim.signals[sim.model.sig[node]["out"]][...] = x
    total = 0
    for _ in range(STEPS):
        sim.step()
        output = sim.signals[sim.model.sig[ensemble.neurons]["out"]]
        total += round(output.sum() * sim.dt)
    return total


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["pes_to_ensemble", "voja", "bcm_and_oja"])
def test_nengo_dl_learns_the_same(name, caplog):
    """The compiled simulator leaves it to NengoDL, and says why."""
    caplog.set_level(logging.INFO)
    net = learning_network(name)
    activity = ne.measure_activity(net, X, timesteps=STEPS, simulator="compiled")
    assert activity.simulator == "nengo-dl"
    assert "learns" in caplog.text
    plain = ne.measure_activity(net, X, timesteps=STEPS)
    for pop in ("pre", "post"):
        found, expected = (a.populations[pop].spikes for a in (activity, plain))
        assert expected.sum() > 20
        assert_allclose(found, expected, atol=2)
    assert activity.learning == plain.learning


@pytest.mark.tensorflow
def test_what_nengo_dl_lacks_runs_on_nengo(caplog):
    caplog.set_level(logging.INFO)
    net = learning_network("rls")
    with pytest.raises(ne.UnsupportedError, match="SimRLS.*simulator='nengo'"):
        ne.measure_activity(net, X, timesteps=STEPS, simulator="nengo-dl")
    activity = ne.measure_activity(net, X, timesteps=STEPS, simulator="compiled")
    assert activity.simulator == "nengo"
    assert "Nengo runs in place of NengoDL, as" in caplog.text


def test_weights_that_learn_are_synapses_whatever_they_are():
    """All decoders begin at zero, and any may become something else."""
    net = learning_network("pes_to_node")
    topology = ne.trace_topology(net)
    (learnt,) = [p for p in topology.readouts if p.post == "out"]
    assert_array_equal(learnt.fan_out, [2] * 30)
    (error,) = [p for p in topology.readouts if p.post.startswith("PES")]
    assert_array_equal(error.fan_out, [2] * 30)
    said = {a.code: a.text for a in topology.assumptions}
    assert "PES of pre -> out" in said["learned-weights"]


def test_encoders_that_learn_are_synapses_whatever_they_are():
    with nengo.Network(seed=0) as net:
        pre, post = nengo.Ensemble(8, 2, label="pre"), nengo.Ensemble(6, 2, label="b")
        post.encoders = [[1, 0]] * 6
        rule = nengo.Voja()
        conn = nengo.Connection(pre, post[1], function=lambda x: x[0])
        plain = ne.trace_topology(net)
        conn.learning_rule_type = rule
    assert plain.projections[0].n_synapses == 0
    assert_array_equal(ne.trace_topology(net).projections[0].fan_out, [6] * 8)


class OwnRule(nengo.learning_rules.LearningRuleType):
    """A rule that only its author knows."""

    modifies = "decoders"


@nengo.builder.Builder.register(OwnRule)
def build_own_rule(model, rule_type, rule):
    """Change nothing."""


def test_a_rule_of_ones_own_is_named_or_left_out():
    net = learning_network("pes_to_ensemble")
    net.connections[-1].post_obj.connection.learning_rule_type = OwnRule()
    del net.connections[-1]
    with pytest.raises(
        ne.UnsupportedError, match="OwnRule of pre -> post.*own.*learn by one of PES"
    ):
        ne.trace_topology(net)
    topology = ne.trace_topology(net, on_unsupported="omit")
    assert topology.learning == ()
    assert topology.omitted == ("OwnRule of pre -> post (a rule of somebody's own)",)


def test_fingerprint_tells_whose_error_it_is():
    """An error that leads to another rule makes another network."""
    prints = []
    for k in range(2):
        with nengo.Network(seed=0) as net:
            ens = nengo.Ensemble(10, 1)
            rule = nengo.PES()
            outs = [nengo.Node(size_in=1) for _ in range(2)]
            conns = [nengo.Connection(ens, o, learning_rule_type=rule) for o in outs]
            nengo.Connection(outs[0], conns[k].learning_rule)
        prints.append(ne.trace_topology(net).fingerprint)
    assert prints[0] != prints[1]


# --- on Loihi ------------------------------------------------------------------------


def weights_changed_by_nengo_loihi(net, steps, counted_from):
    """Watch NengoLoihi's own emulator, weight by weight and trace by trace."""
    found = Counter()
    with open_simulator(net, emulator="nengo-loihi", target="sim") as sim:
        synapses = sim.sims["emulator"].synapses
        update, round_traces = synapses._weight_update, synapses._trace_round

        def watched_update(synapse, deltas, rng=None):
            found["learning_update", sim.n_steps] += deltas.size
            update(synapse, deltas, rng=rng)

        def watched_round(x, rng=None):
            found["learning_state", sim.n_steps] += x.size
            return round_traces(x, rng=rng)

        synapses._weight_update = watched_update
        synapses._trace_round = watched_round
        for _ in range(steps):
            sim.run_steps(1)
    totals = Counter()
    for (operation, step), n in found.items():
        totals[operation] += n if step >= counted_from else 0
    return totals


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ON_LOIHI)
def test_loihi_learns_as_nengo_loihi(name):
    net = learning_network(name)
    activity = ne.measure_activity(
        net, X, timesteps=STEPS, warmup=WARMUP, simulator="loihi"
    )
    counts = ne.count_ops(ne.trace_topology(net), activity)
    expected = weights_changed_by_nengo_loihi(net, WARMUP + STEPS, WARMUP)
    # every 4th timestep of 7 to 47, for two neurons for each value: 10 x 2 x 2 x 30
    assert expected["learning_update"] == 1200
    for operation in ("learning_update", "learning_state"):
        assert counts.total(operation) == len(X) * expected[operation]
    spikes = activity.populations["pre"].spikes_per_inference
    assert spikes[0] == spikes[1] > 50


@pytest.mark.tensorflow
def test_loihi_forgets_between_inferences():
    net = learning_network("pes_to_node")
    activity = ne.measure_activity(net, X, timesteps=200, simulator="loihi")
    (outputs,) = activity.outputs.values()
    assert_array_equal(outputs[0], outputs[1])
    with open_simulator(net, target="sim") as sim:
        (host,) = [s for s in sim.sims.values() if isinstance(s, nengo.Simulator)]
        host.signals[host.model.sig[net.nodes[0]]["out"]][...] = X[0]
        sim.run_steps(200)
        assert_allclose(outputs[0], sim.data[net.probes[0]][100:].mean(axis=0))


ON_HOST = {
    "pes_of_weights": "learns full weights",
    "pes_to_neurons": "learns from neurons themselves",
    "pes_of_slice": "learns with pre_synapse=None",
    "bcm": "learns by BCM",
    "oja": "learns by Oja",
    "bcm_and_oja": "learns by BCM and Oja",
    "voja": "learns by Voja",
    "rls": "learns by RLS",
}


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ON_HOST)
def test_what_the_chip_cannot_learn_is_left_to_the_host(name):
    net = learning_network(name)
    with pytest.raises(
        ne.UnsupportedError,
        match=f"ensemble 'pre': runs on the host; the connection .*{ON_HOST[name]}",
    ):
        ne.measure_activity(net, X, timesteps=STEPS, simulator="loihi")
    with net:
        after = nengo.Ensemble(25, 2, label="after")
        nengo.Connection(net.ensembles[1], after)
    activity = ne.measure_activity(net, X, timesteps=STEPS, simulator="loihi")
    plain = ne.measure_activity(net, X, timesteps=STEPS)
    for pop in ("pre", "post"):  # Nengo's own simulator has them
        assert_array_equal(
            activity.populations[pop].spikes, plain.populations[pop].spikes
        )
    assert activity.learning == plain.learning
    assert activity.populations["after"].spikes.sum() > 20
    (text,) = [a.text for a in activity.assumptions if a.code == "left-to-host"]
    assert ON_HOST[name] in text


@pytest.mark.tensorflow
def test_the_chip_is_not_told_to_have_what_it_lacks():
    import_nengo_loihi().add_params(net := learning_network("voja"))
    net.config[net.ensembles[0]].on_chip = True
    with pytest.raises(
        ne.UnsupportedError,
        match="ensemble 'pre' is put on the chip, but .* learns by Voja",
    ):
        ne.measure_activity(net, X, timesteps=STEPS, simulator="loihi")


def adaptive_control(learning):
    """A controller of one joint that learns to hold against a load."""
    with nengo.Network(seed=4) as net:
        target, load = nengo.Node(np.zeros(1), label="target"), 0.5
        state = nengo.Node(lambda t, u: np.tanh(u) - load, size_in=1, label="arm")
        error = nengo.Node(size_in=1, label="error")
        nengo.Connection(target, error)
        nengo.Connection(state, error, transform=-1, synapse=None)
        nengo.Connection(error, state, transform=2)
        adapt = nengo.Ensemble(50, 1, label="adapt")
        nengo.Connection(state, adapt)
        rule = nengo.PES(1e-3) if learning else None
        conn = nengo.Connection(
            adapt, state, function=lambda x: 0, learning_rule_type=rule
        )
        if learning:
            nengo.Connection(error, conn.learning_rule, transform=-1)
    return net


@pytest.mark.tensorflow
def test_energy_of_adaptive_control_with_and_without_learning():
    """Davies et al. 2018, table 2: 120 pJ an update, 23.6 pJ a synop."""
    found = {}
    for learning in (True, False):
        net = adaptive_control(learning)
        topology = ne.trace_topology(net)
        activity = ne.measure_activity(net, [[0.3]], timesteps=400, simulator="loihi")
        counts = ne.count_ops(topology, activity)
        found[learning] = ne.estimate_energy(counts, ["loihi-davies2018", "loihi"])
    (row,) = [r for r in found[True].rows if r.operation == "learning_update"]
    assert row.device == "loihi-davies2018"
    assert row.count == 2 * 50 * 400 // 4
    assert_allclose(row.energy, 10_000 * 120e-12, rtol=1e-12)
    total = {k: each.total("loihi-davies2018") for k, each in found.items()}
    assert total[True] > total[False] + row.energy > 0
    # KerasSpiking's figures don't know it, and the report says so
    reasons = {(n.device, n.operation): n.reason for n in found[True].not_modelled}
    assert "without a known price" in reasons["loihi", "learning_update"]
    assert "without a known price" in reasons["loihi-davies2018", "learning_state"]
    assert not [n for n in found[False].not_modelled if "learning" in n.operation]


@pytest.mark.tensorflow
def test_ledger_of_adaptive_control_holds_its_learning():
    """As the estimate: 10,000 updates in 400 timesteps, at 120 pJ."""
    ledger = ne.loihi_network(adaptive_control(True)).ledger(
        [[0.3]], timesteps=400, progress=False
    )
    counts = ledger.counts()
    assert counts.total("learning_update") == 2 * 50 * 400 // 4
    assert counts.total("learning_state") == 50 * 400 // 2
    estimate = ledger.estimate("loihi-davies2018")
    (row,) = [r for r in estimate.rows if r.operation == "learning_update"]
    assert_allclose(row.energy, 10_000 * 120e-12, rtol=1e-12)
    without = ne.loihi_network(adaptive_control(False)).ledger(
        [[0.3]], timesteps=400, progress=False
    )
    assert without.counts().total("learning_update") == 0


def test_estimate_of_loihi_learns_as_the_chip_whatever_was_simulated():
    """Two neurons for the value, in every fourth timestep; Nengo's one in each."""
    net = adaptive_control(True)
    counts = ne.count_ops(
        ne.trace_topology(net), ne.measure_activity(net, [[0.3]], timesteps=400)
    )
    assert counts.total("learning_update") == 50 * 400
    assert counts.deployed().total("learning_update") == 2 * 50 * 400 // 4


@pytest.mark.tensorflow
def test_ledger_holds_what_rules_do_on_the_host():
    """By BCM, weights and three filters: the host's multiply-accumulates."""
    found = {}
    for name in ("bcm", None):
        with nengo.Network(seed=3) as net:
            pre, post = (nengo.Ensemble(n, 2, label=f"{n}") for n in (30, 20))
            rule = None if name is None else nengo.BCM(1e-9)
            solver = nengo.solvers.LstsqL2(weights=True)
            nengo.Connection(pre, post, solver=solver, learning_rule_type=rule)
            nengo.Connection(post, nengo.Ensemble(25, 2, label="after"))
            for ens in (pre, post):
                import_nengo_loihi().add_params(net)
                net.config[ens].on_chip = False
        ledger = ne.loihi_network(net).ledger(timesteps=10, progress=False)
        found[name] = ledger.counts().total("mac")
    # 20 x 30 weights, filtered spikes of 30 and of 20, and thresholds of 20
    assert found["bcm"] - found[None] == 10 * (600 + 30 + 20 + 20)
