"""NIR graphs in plain NumPy: the equations of its paper, a timestep after the other.

Written from table 1 of Pedersen et al. 2024 (doi:10.1038/s41467-024-52259-9) with the
forward Euler method, or with the exact solution for constant input. It shares nothing
with the package but the names of NIR's parameters.
"""

from __future__ import annotations

import itertools

import numpy as np


def run(nodes, edges, inputs, dt, late=(), share=None):
    """Return what each node puts out, {name: (timesteps, ...) ndarray}.

    Parameters
    ----------
    nodes : dict of {str: dict}
        Parameters by NIR's names, with ``type``; in an order in which each node follows
        those that feed it, but for late edges.
    edges : list of (str, str)
        All edges.
    inputs : dict of {str: (timesteps, ...) ndarray}
        Values of the inputs.
    dt : float
        Length of a timestep.
    late : collection of (str, str)
        Edges that arrive one timestep later.
    share : callable, optional
        Of a time constant, the part of the way to its goal that a state goes in a
        timestep; by default ``dt / tau``, which is forward Euler.
    """
    share = share or (lambda tau: dt / tau)
    states = {name: {} for name in nodes}
    before = {}
    found = {name: [] for name in nodes}
    (n_steps,) = {len(x) for x in inputs.values()}
    for t in range(n_steps):
        now = {}
        for name, node in nodes.items():
            if node["type"] == "Input":
                now[name] = inputs[name][t]
                continue
            total = 0.0
            for pre, post in edges:
                if post == name:
                    is_late = (pre, post) in late
                    total = total + (before.get(pre, 0.0) if is_late else now[pre])
            now[name] = step(node, np.asarray(total), states[name], dt, share, t)
            found[name].append(np.array(now[name]))
        before = now
    return {name: np.array(values) for name, values in found.items() if values}


def step(node, x, state, dt, share, t):
    """Return what a node puts out, and change its state."""
    kind = node["type"]
    if kind in ("Output", "Flatten"):
        return x.reshape(-1) if kind == "Flatten" and node.get("all") else x
    if kind in ("Linear", "Affine"):
        return node["weight"] @ x + node.get("bias", 0.0)
    if kind == "Scale":
        return node["scale"] * x
    if kind == "Threshold":
        return (x > node["threshold"]).astype(float)
    if kind in ("Conv1d", "Conv2d", "SumPool2d", "AvgPool2d"):
        return windows(node, x)
    if kind == "Delay":
        past = state.setdefault("past", [])
        past.append(x)
        steps = np.rint(node["delay"] / dt).astype(int)
        return np.array([past[t - s][i] if t >= s else 0 for i, s in enumerate(steps)])
    r = node["r"]
    rest = node.get("v_leak", 0.0)
    v = state.get("v", rest)
    if "tau_syn" in node:
        i = state.get("i", 0.0)
        i = i + share(node["tau_syn"]) * (node.get("w_in", 1.0) * x - i)
        state["i"] = x = i
    tau = node.get("tau", node.get("tau_mem"))
    if tau is None:
        v = v + dt * (r * x)
    else:
        v = v + share(tau) * (rest - v + r * x)
    if "v_threshold" not in node:
        state["v"] = v
        return v
    spikes = v > node["v_threshold"]
    state["v"] = np.where(spikes, node.get("v_reset", 0.0), v)
    return spikes.astype(float)


def windows(node, x):
    """Convolve or pool, position by position, channel by channel."""
    n_axes = 1 if node["type"] == "Conv1d" else 2
    is_pool = "kernel_size" in node
    channels = x.shape[0]
    kernel = tuple(node["kernel_size"]) if is_pool else node["weight"].shape[2:]
    stride = np.broadcast_to(node.get("stride", 1), n_axes)
    dilation = np.broadcast_to(node.get("dilation", 1), n_axes)
    padding = node.get("padding", 0)
    if isinstance(padding, str) and padding == "same":
        whole = [d * (k - 1) for d, k in zip(dilation, kernel)]
        around = [(w // 2, w - w // 2) for w in whole]
    else:
        padding = 0 if isinstance(padding, str) else padding
        around = [(p, p) for p in np.broadcast_to(padding, n_axes)]
    x = np.pad(x, [(0, 0), *around])
    sizes = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, d, s in zip(x.shape[1:], kernel, dilation, stride)
    ]
    groups = channels if is_pool else node.get("groups", 1)
    n_out = channels if is_pool else len(node["weight"])
    out = np.zeros((n_out, *sizes))
    for place in itertools.product(range(n_out), *map(range, sizes)):
        o, at = place[0], place[1:]
        for offset in itertools.product(*map(range, kernel)):
            where = tuple(
                a * s + k * d for a, s, k, d in zip(at, stride, offset, dilation)
            )
            for c in range(channels // groups):
                source = o // (n_out // groups) * (channels // groups) + c
                value = x[(source, *where)]
                if is_pool:
                    scale = 1 if node["type"] == "SumPool2d" else np.prod(kernel)
                    out[place] += value / scale
                else:
                    out[place] += node["weight"][(o, c, *offset)] * value
        if not is_pool:
            out[place] += node["bias"][o]
    return out
