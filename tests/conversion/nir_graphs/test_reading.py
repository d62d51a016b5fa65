"""Files from strangers: what isn't a graph, is damaged, or would fill the memory."""

import os
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy.conversion.nir_graphs.graph import Graph, GraphNode, in_order, looped

DATA = Path(__file__).parent / "data"
TEXT = h5py.string_dtype()


def write(path, nodes, edges, **options):
    """Write a file as ``nir.write`` does."""
    with h5py.File(path, "w") as file:
        file.create_dataset("version", data="1.0", dtype=TEXT)
        group = file.create_group("node")
        write_graph(group, nodes, edges, **options)
    return path


def write_graph(group, nodes, edges, **options):
    group.create_dataset("type", data="NIRGraph", dtype=TEXT)
    group.create_dataset("edges", data=np.array(edges, dtype=object), dtype=TEXT)
    for name, values in nodes.items():
        node = group.create_group(f"nodes/{name}")
        for key, value in values.items():
            if isinstance(value, str):
                node.create_dataset(key, data=value, dtype=TEXT)
            else:
                node.create_dataset(key, data=value, **options)


def small(**changes):
    """Return a graph of one layer of IF neurons."""
    nodes = {
        "input": {"type": "Input", "shape": np.array([3])},
        "w": {"type": "Linear", "weight": np.ones((2, 3))},
        "if": {"type": "IF", "r": np.ones(2), "v_threshold": np.ones(2)},
        "output": {"type": "Output", "shape": np.array([2])},
    }
    for name, values in changes.items():
        nodes[name.strip("_")].update(values)
    return nodes, [("input", "w"), ("w", "if"), ("if", "output")]


def test_a_file_is_read_as_the_graph_is(tmp_path):
    """The package nir reads the same file."""
    nir = pytest.importorskip("nir")
    path = DATA / "recurrent.nir"
    by_nir, by_us = ne.from_nir(nir.read(str(path))), ne.from_nir(path)
    assert set(by_nir.graph.nodes) == set(by_us.graph.nodes)
    assert set(by_nir.graph.edges) == set(by_us.graph.edges)
    for name, node in by_us.graph.nodes.items():
        for key, value in node.values.items():
            if key != "type":
                np.testing.assert_array_equal(
                    by_nir.graph.nodes[name].array(key), value
                )


def refused(path, match, error=ne.InputError, **options):
    with pytest.raises(error, match=match):
        ne.from_nir(path, **options)


def test_no_file(tmp_path):
    refused(tmp_path / "none.nir", "isn't a file", ne.NotFoundError)
    refused(3, "nir.NIRGraph or the path .* got int")


def test_not_hdf5(tmp_path):
    """A pickle is a text like any other: it isn't unpickled."""

    class Harmful:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harmed"),)

    path = tmp_path / "a.nir"
    path.write_bytes(pickle.dumps(Harmful()))
    refused(path, "can't be read as a NIR file")
    assert not (tmp_path / "harmed").exists()
    whole = (DATA / "cuba.nir").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "can't be read as a NIR file")


def test_hdf5_of_something_else(tmp_path):
    with h5py.File(tmp_path / "a.nir", "w") as file:
        file.create_group("model_weights")
    refused(tmp_path / "a.nir", "'node' is missing")


def test_more_values_than_allowed(tmp_path):
    """An array that was never written takes no place in the file."""
    path = write(tmp_path / "a.nir", *small())
    with h5py.File(path, "r+") as file:
        node = file["node/nodes/w"]
        del node["weight"]
        node.create_dataset("weight", shape=(2**20, 2**20), dtype="f8", chunks=(64, 64))
    assert path.stat().st_size < 2**20
    refused(path, "nodes/w/weight brings .* more than max_bytes=1073741824")
    refused(write(path, *small()), "max_bytes=100", max_bytes=100)


def test_compression_that_unpacks_to_more(tmp_path):
    """A chunk that says it is 8 KB, and holds 256 MB of zeros."""
    import zlib

    bomb = zlib.compressobj(9)
    packed = b"".join(bomb.compress(bytes(2**20)) for _ in range(256)) + bomb.flush()
    path = write(tmp_path / "a.nir", *small())
    with h5py.File(path, "r+") as file:
        node = file["node/nodes/w"]
        del node["weight"]
        weight = node.create_dataset(
            "weight", shape=(32, 32), dtype="f8", chunks=(32, 32), compression="gzip"
        )
        weight.id.write_direct_chunk((0, 0), packed)
    refused(path, "nodes/w/weight (has a chunk that is larger|unpacks to more)")
    small_bomb = zlib.compress(bytes(2**20), 9)
    assert len(small_bomb) < 8192
    with h5py.File(path, "r+") as file:
        file["node/nodes/w/weight"].id.write_direct_chunk((0, 0), small_bomb)
    refused(path, "nodes/w/weight unpacks to more than it says")


def test_chunks_larger_than_memory(tmp_path):
    path = write(tmp_path / "a.nir", *small())
    with h5py.File(path, "r+") as file:
        node = file["node/nodes/w"]
        del node["weight"]
        node.create_dataset(
            "weight", (2, 3), "f8", maxshape=(None, None), chunks=(2**13, 2**13)
        )
    refused(path, "stored in chunks of 536870912 bytes", max_bytes=10**6)


def test_other_compression(tmp_path):
    path = write(tmp_path / "a.nir", *small(), compression="lzf")
    refused(path, "compressed by another method than gzip")


def test_links_to_other_files(tmp_path):
    path = write(tmp_path / "a.nir", *small())
    with h5py.File(path, "r+") as file:
        file["node/nodes/w/bias"] = h5py.ExternalLink("/etc/passwd", "/")
    refused(path, "nodes/w/bias is a link elsewhere", ne.UnsupportedError)
    with h5py.File(path, "r+") as file:
        node = file["node/nodes/w"]
        del node["bias"]
        node.create_dataset("bias", (2,), "u1", external=[("/etc/passwd", 0, 2)])
    refused(path, "nodes/w/bias lies in other files", ne.UnsupportedError)


def test_groups_in_themselves(tmp_path):
    path = write(tmp_path / "a.nir", *small())
    with h5py.File(path, "r+") as file:
        file["node/nodes/w/again"] = file["node/nodes"]
    refused(path, "lies deeper than 20 graphs")


def test_graphs_deep_in_graphs(tmp_path):
    path = tmp_path / "a.nir"
    with h5py.File(path, "w") as file:
        group = file.create_group("node")
        for _ in range(100):
            write_graph(group, {}, [("a", "b")])
            group = group.create_group("nodes/inner")
    refused(path, "lies deeper than 20 graphs")


@pytest.mark.parametrize("dtype", [h5py.ref_dtype, np.dtype([("a", "f8")]), "c16"])
def test_values_that_are_no_numbers(tmp_path, dtype):
    path = write(tmp_path / "a.nir", *small())
    with h5py.File(path, "r+") as file:
        file["node/nodes/w"].create_dataset("bias", (2,), dtype=dtype)
    refused(path, "nodes/w/bias has the type")


def test_long_texts(tmp_path):
    nodes, edges = small()
    edges.append(("x" * 5000, "y"))
    refused(write(tmp_path / "a.nir", nodes, edges), "text of more than 4096 bytes")


@pytest.mark.parametrize(
    "changes, match",
    [
        ({"w": {"weight": np.full((2, 3), np.nan)}}, "'weight' .*'w' .*NaN"),
        ({"w": {"weight": np.ones(3)}}, "'weight' .*'w' .*two axes"),
        ({"w": {"weight": np.ones((2, 5))}}, "'input' .*3 values .*'w' .*takes 5"),
        ({"if_": {"r": np.ones(3)}}, "'v_threshold' of .*'if'"),
        ({"input": {"shape": np.array([2**40])}}, "'input' .*are allowed"),
        ({"input": {"shape": np.array([-3])}}, "'input' .*are allowed"),
        ({"input": {"shape": np.array([1.5])}}, "'shape' .*whole numbers"),
        ({"w": {"weight": np.full((2, 3), 1e101)}}, "'weight' .*beyond 1e.100"),
        ({"w": {"type": np.ones(3)}}, "'w' doesn't say what type it is"),
    ],
)
def test_parts_that_dont_fit(tmp_path, changes, match):
    refused(write(tmp_path / "a.nir", *small(**changes)), match)


@pytest.mark.parametrize("value", [1.5, np.ones(3), np.ones((2, 2, 2)), np.zeros(1)])
@pytest.mark.parametrize("key", ["edges", "type"])
def test_graphs_whose_form_is_another(tmp_path, key, value):
    path = write(tmp_path / "a.nir", *small())
    with h5py.File(path, "r+") as file:
        del file["node"][key]
        file["node"][key] = value
    refused(path, "edge that isn't a pair" if key == "edges" else "isn't a NIRGraph")


def test_a_nested_graph_without_nodes(tmp_path):
    path = write(tmp_path / "a.nir", *small(w={"type": "NIRGraph"}))
    refused(path, "graph 'w' has 0 Input nodes", ne.UnsupportedError)


def test_times_that_are_no_numbers_are_nobodys_timestep(tmp_path):
    """tau / r is infinite."""
    nodes, edges = small()
    leak = {"tau": np.ones(2), "v_leak": np.zeros(2), "r": np.full(2, 1e-320)}
    nodes["if"].update(leak, type="LIF")
    ne.from_nir(write(tmp_path / "a.nir", nodes, edges))


def test_large_images_from_small_files(tmp_path):
    """Three numbers that ask for a padded image of a terabyte."""
    nodes, _ = small()
    nodes["input"]["shape"] = np.array([1, 3, 3])
    nodes["w"] = {
        "type": "Conv2d",
        "weight": np.ones((1, 1, 3, 3)),
        "bias": np.zeros(1),
        "padding": np.array([2**20, 2**20]),
    }
    edges = [("input", "w"), ("w", "output")]
    refused(write(tmp_path / "a.nir", nodes, edges), "'w' .*are allowed")
    nodes["w"].update(padding=np.array([0, 0]), dilation=np.array([2**20, 2**20]))
    refused(write(tmp_path / "a.nir", nodes, edges), "'w' .*are allowed")


def test_unknown_types(tmp_path):
    path = write(tmp_path / "a.nir", *small(w={"type": "os.system"}))
    refused(path, "'w' .os.system. is of a type .*known: .*Affine", ne.UnsupportedError)
    path = write(tmp_path / "a.nir", *small(w={"type": "Relay"}))
    refused(path, "'w' .Relay. is of a type", ne.UnsupportedError)


def test_unknown_edges(tmp_path):
    nodes, edges = small()
    path = write(tmp_path / "a.nir", nodes, [*edges, ("if", "nowhere")])
    refused(path, "edge of 'nowhere', .*known: if, input, output, w")


def test_loops_without_a_state(tmp_path):
    nodes, edges = small()
    nodes["u"] = {"type": "Linear", "weight": np.ones((2, 2))}
    nodes["v"] = {"type": "Linear", "weight": np.ones((2, 2))}
    edges += [("w", "u"), ("u", "v"), ("v", "u"), ("u", "if")]
    path = write(tmp_path / "a.nir", nodes, edges)
    refused(path, "'v' .*'u' .*loop without neurons or delays", ne.UnsupportedError)


def test_many_loops_take_no_time():
    """All of 300 nodes lead to all: the order is found by looking at each edge once."""
    names = [f"n{k}" for k in range(300)]
    nodes = {name: GraphNode(name, "IF", {}) for name in names}
    edges = tuple((a, b) for a in names for b in names)
    order, back = in_order(Graph(nodes, edges))
    assert sorted(order) == sorted(names)
    # of each pair one leads back, and each node to itself
    assert len(back) == 300 * 299 / 2 + 300
    assert looped(Graph(nodes, edges), back, set()) == back
    assert looped(Graph(nodes, edges), back, set(names)) == set()


def test_long_chains_are_no_recursion():
    names = [f"n{k}" for k in range(20_000)]
    nodes = {name: GraphNode(name, "Scale", {}) for name in names}
    order, back = in_order(Graph(nodes, tuple(zip(names, names[1:]))))
    assert order == names and not back
