"""Spikes counted in Nengo's own simulator; no TensorFlow here."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import nengo_energy as ne
from nengo_energy.activity.simulators import Schedule


def relay(rates, neuron_type=None):
    """Neurons that fire at given rates whatever the input, onto 3 synapses each."""
    n = len(rates)
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(n), label="input")
        pre = nengo.Ensemble(
            n,
            1,
            gain=np.ones(n),
            bias=np.asarray(rates, dtype=float),
            neuron_type=neuron_type
            or nengo.SpikingRectifiedLinear(initial_state={"voltage": np.zeros(n)}),
            label="pre",
        )
        post = nengo.Node(size_in=3, label="post")
        nengo.Connection(inp, pre.neurons, synapse=None)
        nengo.Connection(pre.neurons, post, transform=np.ones((3, n)), synapse=None)
        nengo.Probe(post)
    return net


def test_spikes_follow_the_rate():
    """100, 250 and 1000 Hz for 0.1 s; one timestep in advance, so that none is due."""
    net = relay([100.5, 250.5, 1000.5])
    activity = ne.measure_activity(net, timesteps=100)
    assert_array_equal(activity.populations["pre"].spikes, [10, 25, 100])
    assert_array_equal(activity.populations["pre"].spikes_per_inference, [135])
    assert_allclose(activity.firing_rates("pre"), [100, 250, 1000])


def test_counts_price_every_neuron_and_timestep():
    """3 neurons, 100 timesteps: 300 updates, 135 of them active; 3 synops a spike."""
    net = relay([100.5, 250.5, 1000.5])
    topology = ne.trace_topology(net)
    counts = ne.count_ops(topology, ne.measure_activity(net, timesteps=100))
    assert counts.total("synop") == 3 * 135
    assert counts.total("spike") == 135
    assert counts.total("neuron_update_active") == 135
    assert counts.total("neuron_update_inactive") == 300 - 135
    (host,) = counts.select("event", where="host")
    assert (host.operation, host.total) == ("mac", 3)
    energy = ne.estimate_energy(counts, "loihi-davies2018").total("loihi-davies2018")
    # NengoLoihi encodes each of the 3 input values by a spike in every timestep
    by_hand = ((405 + 300) * 23.6 + 135 * 81 + 165 * 52 + 135 * 1.7) * 1e-12
    assert energy == pytest.approx(by_hand, rel=1e-12)


def test_zero_spikes_cost_updates_only():
    net = relay([0, 0])
    topology = ne.trace_topology(net)
    counts = ne.count_ops(topology, ne.measure_activity(net, timesteps=7))
    assert counts.total("synop") == counts.total("spike") == 0
    assert counts.total("neuron_update_inactive") == 14


def test_several_spikes_in_a_timestep():
    """3500 Hz at 1 ms are 3 or 4 spikes a timestep, in each timestep."""
    activity = ne.measure_activity(relay([3500.0]), timesteps=10)
    pre = activity.populations["pre"]
    assert_array_equal(pre.spikes, [35])
    assert_array_equal(pre.active_per_inference, [10])
    assert pre.peak == 4
    (assumption,) = activity.assumptions
    assert assumption.code == "several-spikes-per-timestep" and "4" in assumption.text


def test_rate_neurons_count_as_spiking_at_their_rate():
    """40 Hz for 0.5 s are 20 spikes, 0 Hz none."""
    net = relay([40.0, 0.0], nengo.RectifiedLinear())
    activity = ne.measure_activity(net, timesteps=500)
    assert_array_equal(activity.populations["pre"].spikes, [20, 0])
    assert [a.code for a in activity.assumptions] == ["rate-neurons-as-spiking"]


def test_amplitude_is_divided_out():
    net = relay([100.5], nengo.SpikingRectifiedLinear(amplitude=0.005))
    full = relay([100.5])
    measured = [ne.measure_activity(n, timesteps=100) for n in (net, full)]
    spikes = [m.populations["pre"].spikes[0] for m in measured]
    # the initial voltage is random in one of them: one spike more at most
    assert abs(spikes[0] - spikes[1]) <= 1 and spikes[1] == 10


def test_warm_up_is_left_out():
    net = relay([100.5])
    whole = ne.measure_activity(net, timesteps=100)
    late = ne.measure_activity(net, timesteps=60, warmup=40)
    early = ne.measure_activity(net, timesteps=40)
    counts = [a.populations["pre"].spikes[0] for a in (whole, early, late)]
    assert counts[0] == counts[1] + counts[2] == 10
    assert_allclose(late.firing_rates("pre"), [100])


def test_each_inference_starts_from_reset_and_keeps_its_own_numbers():
    net = relay([50.5, 100.5])
    x = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 0.0]])
    activity = ne.measure_activity(net, x, timesteps=100)
    pre = activity.populations["pre"]
    # 5 + 10 spikes, then 15 + 10, then as at first
    assert_array_equal(pre.spikes_per_inference, [15, 25, 15])
    assert_array_equal(pre.spikes, [5 + 15 + 5, 30])
    assert_array_equal(pre.synops_per_inference["pre -> post"], [45, 75, 45])
    counts = ne.count_ops(ne.trace_topology(net), activity)
    (row,) = [row for row in counts.rows if row.operation == "synop"]
    # mean 55, deviations -10, 20, -10: sqrt(600 / 2)
    assert (row.mean, row.std) == (55, pytest.approx(300**0.5))


def test_input_that_changes_every_timestep():
    net = relay([0.0])
    x = np.zeros((1, 10, 1))
    x[0, ::2] = 1000.5  # a spike in every other timestep
    activity = ne.measure_activity(net, x, timesteps=10)
    assert_array_equal(activity.populations["pre"].spikes, [5])
    counts = ne.count_ops(ne.trace_topology(net), activity)
    # and the host multiplies anew in each: 1 weight x 10 timesteps
    assert counts.select("event", where="host")[0].total == 10


def test_input_that_computes_itself_changes_every_timestep():
    with nengo.Network() as net:
        clock = nengo.Node(lambda t: t)
        a = nengo.Ensemble(2, 1, gain=np.ones(2), bias=np.zeros(2))
        nengo.Connection(clock, a.neurons, transform=[[1.0], [1.0]])
    counts = ne.count_ops(
        ne.trace_topology(net), ne.measure_activity(net, timesteps=10)
    )
    # 2 weights x 10 timesteps
    assert counts.select("event", where="host")[0].total == 20


def test_outputs_are_averaged_over_the_second_half():
    net = relay([0.0])
    x = np.zeros((1, 10, 1))
    x[0, 6:9] = 2000.5  # 2 spikes of 1/dt in 3 of the last 5 timesteps
    activity = ne.measure_activity(net, x, timesteps=10)
    (output,) = activity.outputs.values()
    assert_allclose(output, [[3 * 2 / 0.001 / 5] * 3])


def test_accuracy():
    with nengo.Network() as net:
        inp = nengo.Node(np.zeros(3))
        out = nengo.Node(size_in=3)
        nengo.Connection(inp, out, synapse=None)
        nengo.Probe(out)
    activity = ne.measure_activity(net, np.eye(3)[[0, 2, 1, 1]], timesteps=2)
    assert activity.accuracy([0, 2, 1, 0]) == 0.75
    with pytest.raises(ne.InputError, match=r"shape \(4,\).*got \(3,\)"):
        activity.accuracy([0, 1, 2])


def test_accuracy_of_a_single_value():
    """Logits of -1, 2, 0.3 and -0.1: above 0 is class 1."""
    with nengo.Network() as net:
        inp = nengo.Node(np.zeros(1))
        out = nengo.Node(size_in=1)
        nengo.Connection(inp, out, synapse=None)
        nengo.Probe(out)
    activity = ne.measure_activity(net, [[-1], [2], [0.3], [-0.1]], timesteps=2)
    assert activity.accuracy([0, 1, 1, 0]) == 1
    assert activity.accuracy([1, 1, 1, 1]) == 0.5


@pytest.mark.parametrize("seed", [0, None])
def test_measuring_changes_nothing(seed):
    """The same spikes and outputs as without counting, and the network as it was."""
    rng = np.random.RandomState(0)
    with nengo.Network(seed=1) as net:
        a = nengo.Ensemble(20, 1, seed=seed)  # decoded, random, and noisy
        b = nengo.Ensemble(20, 1, noise=nengo.processes.WhiteNoise(seed=2))
        nengo.Connection(nengo.Node(0.5), a)
        nengo.Connection(a, b)
        nengo.Connection(a.neurons, b.neurons, transform=rng.randn(20, 20) * 1e-3)
        out = nengo.Node(size_in=1)
        nengo.Connection(b, out)
        nengo.Probe(out)
    before = (len(net.all_objects), len(net.all_probes), str(net.config))
    activity = ne.measure_activity(net, timesteps=100)
    assert (len(net.all_objects), len(net.all_probes), str(net.config)) == before

    with net:
        probes = [nengo.Probe(ens.neurons) for ens in (a, b)]
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(100)
    for probe, measured in zip(probes, activity.populations.values()):
        spikes = np.rint(sim.data[probe] * 0.001).astype(int)
        assert spikes.sum() > 0
        assert_array_equal(measured.spikes, spikes.sum(axis=0))
    (output,) = activity.outputs.values()
    # the sum may be taken in another order
    recorded = sim.data[net.probes[0]][50:].mean(axis=0)
    assert_allclose(output[0], recorded, rtol=1e-12)


@settings(max_examples=50)
@example(23, 23, 12)  # a prime, so that stretches differ in length
@given(st.integers(0, 9), st.integers(1, 30), st.integers(1, 12))
def test_schedule_covers_each_timestep_once(warmup, timesteps, longest):
    schedule = Schedule(warmup, (timesteps,))
    segments = list(schedule.segments(longest))
    covered = [step for start, end in segments for step in range(start, end)]
    assert covered == list(range(warmup + timesteps))
    assert max(end - start for start, end in segments) <= longest
    assert list(schedule.window(timesteps)) == covered[-((timesteps + 1) // 2) :]
    assert warmup in {start for start, _ in segments}


def test_segments_have_one_length_where_they_can():
    def lengths(warmup, timesteps, longest):
        segments = Schedule(warmup, (timesteps,)).segments(longest)
        return {end - start for start, end in segments}

    assert lengths(0, 100, 21) == {20}
    assert lengths(40, 60, 21) == {20}
    assert lengths(0, 101, 21) == {21, 101 % 21}  # a prime would mean single steps


@pytest.mark.parametrize("warmup, timesteps", [(7, 50), (1, 1000), (10, 55)])
def test_warm_up_without_common_divisor_is_a_stretch_of_its_own(warmup, timesteps):
    """Two graphs are traced, which is cheaper than to run each timestep by itself."""
    segments = list(Schedule(warmup, (timesteps,)).segments(1000))
    assert segments == [(0, warmup), (warmup, warmup + timesteps)]


MARKS = [30, 7, 60, 1]


def assert_equal_activities(found, wanted):
    """Every count, every output and every setting, to the last bit."""
    assert found.populations.keys() == wanted.populations.keys()
    for name, measured in wanted.populations.items():
        for key, value in vars(measured).items():
            if key == "synops_per_inference":
                for projection, synops in value.items():
                    mine = found.populations[name].synops_per_inference[projection]
                    assert_array_equal(mine, synops)
            else:
                assert_array_equal(getattr(found.populations[name], key), value)
    for probe, output in wanted.outputs.items():
        assert_array_equal(found.outputs[probe], output)
    for key in ("timesteps", "settings", "n_inferences", "warmup", "assumptions"):
        assert getattr(found, key) == getattr(wanted, key)


@pytest.mark.parametrize("warmup", [0, 5])
def test_one_run_gives_what_shorter_ones_do(warmup):
    """Up to 3 spikes a timestep; late ones raise the peak of the longest run alone."""
    net = relay([100.5, 1250.5])
    x = np.zeros((3, warmup + 60, 2))
    x[:, :, 0] = np.random.RandomState(0).uniform(0, 500, size=x.shape[:2])
    x[1, -3:] = 3000
    found = ne.measure_activity_at(net, x, MARKS, warmup=warmup)
    for timesteps, activity in zip(MARKS, found):
        alone = ne.measure_activity(
            net, x[:, : warmup + timesteps], timesteps, warmup=warmup
        )
        assert_equal_activities(activity, alone)
    longest = found[MARKS.index(60)].populations["pre"]
    assert longest.peak > found[0].populations["pre"].peak
    assert longest.spikes.min() > 0


def test_spikes_of_each_batch_can_be_looked_at():
    """Neuron by neuron, for each inference: what the sums are of."""
    net = relay([100.5, 250.5])
    x = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]])
    seen = {}
    ne.measure_activity_at(net, x, [50, 100], on_batch=seen.__setitem__)
    assert sorted(seen) == [0, 1, 2]
    spikes = np.concatenate([seen[k]["pre"] for k in range(3)])
    assert spikes.dtype == np.int64
    assert_array_equal(spikes, [[10, 25], [20, 25], [10, 35]])


@pytest.mark.parametrize(
    "timesteps, message",
    [
        ([], "at least one number"),
        ([5, 5], "each number once"),
        ([5, 0], "at least 1; got 0"),
        (5, "a sequence of whole numbers; got 5"),
        ("50", "a sequence of whole numbers"),
    ],
)
def test_bad_numbers_of_timesteps(timesteps, message):
    with pytest.raises(ne.InputError, match=message):
        ne.measure_activity_at(relay([1.0]), None, timesteps)


@settings(max_examples=50)
@given(
    st.integers(0, 9),
    st.lists(st.integers(1, 30), min_size=1, max_size=4, unique=True).map(sorted),
    st.integers(1, 12),
)
def test_schedule_stops_at_each_mark(warmup, marks, longest):
    schedule = Schedule(warmup, tuple(marks))
    segments = list(schedule.segments(longest))
    covered = [step for start, end in segments for step in range(start, end)]
    assert covered == list(range(warmup + marks[-1]))
    assert max(end - start for start, end in segments) <= longest
    reached = [schedule.mark_at(end) for _, end in segments]
    assert [mark for mark in reached if mark is not None] == marks
    for mark in marks:
        steps = list(range(warmup + mark))[-((mark + 1) // 2) :]
        assert list(schedule.window(mark)) == steps


def test_activity_of_another_network_is_refused():
    activity = ne.measure_activity(relay([1.0, 2.0]), timesteps=1)
    with pytest.raises(ne.InputError, match="another network.*'pre': 2.*'pre': 3"):
        ne.count_ops(ne.trace_topology(relay([1.0, 2.0, 3.0])), activity)


def test_tables():
    net = relay([100.5, 0.0])
    activity = ne.measure_activity(net, timesteps=100)
    (row,) = activity.to_frame().to_dict("records")
    assert row == {
        "population": "pre",
        "n_neurons": 2,
        "spikes": 10.0,
        "std": 0.0,
        "firing_rate": 50.0,
        "firing_rate_max": 100.0,
        "silent": 0.5,
        "peak": 1,
    }
    header, _, line = str(activity).splitlines()[-3:]
    assert header.split()[:3] == ["population", "neurons", "spikes/inf"]
    assert line.split() == "pre 2 10.0 0.0 50.0 100.0 50.0% 1".split()


@pytest.mark.parametrize("timesteps", [0, -5, 2.5, "10", True, None])
def test_timesteps_are_checked(timesteps):
    with pytest.raises(ne.InputError, match="timesteps must be a whole number"):
        ne.measure_activity(relay([1.0]), timesteps=timesteps)


@pytest.mark.parametrize("dt", [0, -0.001, float("nan"), float("inf"), "0.001"])
def test_dt_is_checked(dt):
    with pytest.raises(ne.InputError, match=r"dt must be a number above 0 \[s\]"):
        ne.measure_activity(relay([1.0]), dt=dt)


def test_other_arguments_are_checked():
    net = relay([1.0, 2.0])
    with pytest.raises(
        ne.InputError, match="one of compiled, nengo, nengo-dl, loihi; got 'brian'"
    ):
        ne.measure_activity(net, simulator="brian")
    with pytest.raises(ne.InputError, match="warmup must be a whole number"):
        ne.measure_activity(net, warmup=-1)
    with pytest.raises(ne.InputError, match="minibatch_size must be a whole number"):
        ne.measure_activity(net, minibatch_size=0)


@pytest.mark.parametrize(
    "value, message",
    [
        ([[np.nan, 0.0]], "hold 1 values that are NaN or infinite"),
        ([[np.inf, np.nan]], "hold 2 values that are NaN or infinite"),
        (np.zeros((0, 2)), "are empty"),
        (np.zeros((4, 3)), r"\(n_inferences, 2\) or .*, 5, 2\); got \(4, 3\)"),
        (np.zeros((4, 3, 2)), r"got \(4, 3, 2\)"),
        (np.zeros(2), r"got \(2,\)"),
        ([["a", "b"]], "must be an array of numbers"),
    ],
)
def test_inputs_are_checked(value, message):
    with pytest.raises(ne.InputError, match=message):
        ne.measure_activity(relay([1.0, 2.0]), value, timesteps=5)


def test_inputs_by_node_are_checked():
    net = relay([1.0, 2.0])
    other = nengo.Node(np.zeros(2), label="other", add_to_container=False)
    with pytest.raises(ne.InputError, match="'other'.*isn't an input node.*'input'"):
        ne.measure_activity(net, {other: np.zeros((1, 2))})
    with net:
        clock = nengo.Node(lambda t: t, label="clock")
        second = nengo.Node(np.zeros(1), label="second")
    with pytest.raises(ne.InputError, match="'clock'.*computes its own output"):
        ne.measure_activity(net, {clock: np.zeros((1, 1))})
    with pytest.raises(ne.InputError, match="this one has 2; give a dictionary"):
        ne.measure_activity(net, np.zeros((1, 2)))
    sizes = {net.nodes[0]: np.zeros((3, 2)), second: np.zeros((2, 1))}
    with pytest.raises(ne.InputError, match="differ in their number of inferences"):
        ne.measure_activity(net, sizes)


def test_changing_input_covers_the_warm_up_too():
    """4 timesteps of warm-up and 6 that count, with a spike in each of rows 3 to 5."""
    net = relay([0.0])
    x = np.zeros((1, 10, 1))
    x[0, 3:6] = 1000.5
    activity = ne.measure_activity(net, x, timesteps=6, warmup=4)
    assert_array_equal(activity.populations["pre"].spikes, [2])
    with pytest.raises(ne.InputError, match=r"1\) or \(n_inferences, 10, 1\); got"):
        ne.measure_activity(net, x[:, :6], timesteps=6, warmup=4)
    # an input that is given for every timestep may change, one row for all does not
    assert not activity.static_input
    assert ne.measure_activity(net, x[:, :1, :], timesteps=6).static_input


def test_expected_spikes_of_rate_neurons_are_not_rounded():
    """39.3 Hz for 0.5 s are 19.65 spikes, 0.6 Hz are 0.3; both drive 3 synapses."""
    net = relay([39.3, 0.6], nengo.RectifiedLinear())
    activity = ne.measure_activity(net, timesteps=500)
    pre = activity.populations["pre"]
    assert_allclose(pre.spikes, [19.65, 0.3])
    assert_allclose(pre.active_per_inference, [19.95])
    assert_allclose(pre.sent_per_inference, [19.95])
    assert_allclose(pre.synops_per_inference["pre -> post"], [3 * 19.95])
    assert pre.peak == 1
    counts = ne.count_ops(ne.trace_topology(net), activity)
    assert_allclose(counts.total("synop"), 3 * 19.95)
    assert_allclose(counts.total("neuron_update_inactive"), 2 * 500 - 19.95)


def test_negative_rates_count_by_their_magnitude():
    """Tanh at -25 Hz for 0.4 s is 10 spikes, as at +25 Hz."""
    scale = 50.0
    neuron_type = nengo.Tanh(tau_ref=1 / scale)
    currents = scale * np.arctanh([-0.5, 0.5]) / scale
    pre = ne.measure_activity(relay(currents, neuron_type), timesteps=400).populations[
        "pre"
    ]
    assert_array_equal(pre.spikes, [10, 10])


def test_spikes_of_neurons_without_synapses_are_not_sent():
    """10 and 25 spikes; the second neuron drives nothing."""
    net = relay([100.5, 250.5])
    net.connections[1].transform = nengo.Dense((3, 2), init=[[1.0, 0]] * 3)
    topology = ne.trace_topology(net)
    activity = ne.measure_activity(net, timesteps=100)
    assert_array_equal(activity.populations["pre"].spikes_per_inference, [35])
    assert_array_equal(activity.populations["pre"].sent_per_inference, [10])
    counts = ne.count_ops(topology, activity)
    assert (counts.total("spike"), counts.total("synop")) == (10, 30)
    assert counts.total("neuron_update_active") == 35


def test_peak_is_that_of_all_inferences():
    x = np.array([[1000.5], [3000.5], [0.0]])
    pre = ne.measure_activity(relay([0.0]), x, timesteps=4).populations["pre"]
    assert pre.peak == 3
    assert_array_equal(pre.spikes_per_inference, [4, 12, 0])


def test_amplitude_is_divided_out_of_every_count():
    """3000 Hz are 3 spikes a timestep, whatever one spike puts out."""
    for amplitude in (0.25, 4.0):
        neuron_type = nengo.SpikingRectifiedLinear(
            amplitude=amplitude, initial_state={"voltage": np.zeros(2)}
        )
        activity = ne.measure_activity(relay([3000.5, 250.5], neuron_type), None, 20)
        pre = activity.populations["pre"]
        assert_array_equal(pre.spikes, [60, 5])
        assert_array_equal(pre.active_per_inference, [20 + 5])
        assert pre.peak == 3


def test_timesteps_may_be_longer():
    """250 Hz for 20 timesteps of 2 ms are 10 spikes."""
    activity = ne.measure_activity(relay([250.5]), timesteps=20, dt=0.002)
    assert_array_equal(activity.populations["pre"].spikes, [10])
    assert_array_equal(activity.populations["pre"].active_per_inference, [10])
    assert_allclose(activity.firing_rates("pre"), [250])
    assert activity.dt == 0.002


def test_rates_are_means_over_inferences():
    """5 and 15 spikes in 0.1 s each: 50 and 150 Hz, 100 Hz in the mean."""
    x = np.array([[50.5], [150.5]])
    activity = ne.measure_activity(relay([0.0]), x, timesteps=100, warmup=0)
    assert_allclose(activity.firing_rates("pre"), [100])


def test_settings_tell_how_it_was_measured():
    net = relay([1.0])
    net.seed = 4
    activity = ne.measure_activity(net, timesteps=3, warmup=2, dt=0.002)
    settings = dict(activity.settings)
    assert settings.pop("versions")["nengo"] == nengo.__version__
    assert settings == {
        "simulator": "nengo",
        "timesteps": 3,
        "warmup": 2,
        "dt": 0.002,
        "n_inferences": 1,
        "seed": 4,
        "neuron_types": ["SpikingRectifiedLinear"],
        "on_host": [],
    }


def test_peak_is_that_of_the_timesteps_that_count():
    """5 spikes in a timestep of the warm-up, 2 in one after it."""
    x = np.zeros((1, 10, 1))
    x[0, 2], x[0, 7] = 5000.5, 2000.5
    pre = (ne.measure_activity(relay([0.0]), x, timesteps=6, warmup=4)).populations[
        "pre"
    ]
    assert_array_equal(pre.spikes, [2])
    assert pre.peak == 2
