"""``python -m eval bench ppr``: personalized PageRank, ours against igraph's PRPACK and networkx, on the same graphs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from eval.bench.measure import ms, say, setting
from eval.bench.walk_graphs import WalkGraph, generated, of_dataset
from eval.extras import check_extra
from eval.report.console import console
from eval.report.files import check_writable, write_json
from hippomem.errors import ConfigError
from hippomem.graph.pagerank import DAMPING, personalized_pagerank, transposed
from hippomem.graph.walk import Walked

Vector = NDArray[np.float64]
#: From reset weights, made before the clock runs, to the activation of all nodes.
Solver = Callable[[Any], Any]

OURS = "push"
#: networkx makes a sparse matrix of its dictionaries for every question: seconds for 100,000 nodes.
NETWORKX_NODES = 110_000
TOP = 20


def ppr(
    sizes: Annotated[str, typer.Option(metavar="N,...", help="Nodes of generated graphs.")] = "10000,100000,1000000",
    dataset: Annotated[
        Path | None, typer.Option(metavar="DATASET_DIR", help="Also the sentence graph of this set.")
    ] = None,
    queries: Annotated[int, typer.Option(min=1, help="Seed sets, each walked from by all in turn.")] = 10,
    seed: Annotated[int, typer.Option(help="Of graphs and seeds.")] = 0,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures.")] = None,
) -> None:
    """Walk from the same seeds with hippomem's push and power iteration, igraph's PRPACK and networkx; damping 0.5.

    Needs igraph. networkx is asked on graphs of up to 110,000 nodes.
    """
    wanted = parse_sizes(sizes)
    if json is not None:
        check_writable(json)
    check_extra("igraph", "networkx")
    report: dict[str, Any] = {"damping": DAMPING, "queries": queries, "seed": seed, "graphs": {}}
    for graph in _graphs(wanted, dataset, seed):
        say(f"walking on {graph.name}")
        figures = walk_all(graph, queries, seed)
        report["graphs"][graph.name] = figures
        console().print(table(graph.name, figures))
    report["provenance"] = setting()
    if json is not None:
        write_json(json, report)


def parse_sizes(text: str) -> list[int]:
    """``"10000,1000"`` as numbers of nodes, in that order; "" as none. Raises ConfigError."""
    try:
        found = [int(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise ConfigError(
            f"--sizes '{text}': expected whole numbers with commas between, such as 10000,100000"
        ) from error
    if found and min(found) < 100:
        raise ConfigError(f"--sizes '{text}': {min(found)} nodes are no graph to measure; each must be 100 or more")
    return found


def _graphs(sizes: list[int], dataset: Path | None, seed: int) -> Iterator[WalkGraph]:
    if dataset is not None:
        yield from of_dataset(dataset)
    for size in sizes:
        yield generated(size, seed)


def walk_all(graph: WalkGraph, queries: int, seed: int) -> dict[str, Any]:
    """Seconds a question (median), how many of the exact twenty best are found (mean), and ratios of medians to ours.

    The twenty best are for the most part seeds, which any solver finds, so those that are none are counted as well. Each
    question is walked by all solvers in turn, after one that is not counted. All run in one thread, so that the processor's
    time is there too: it does not count what other programs take.
    """
    solvers = {
        OURS: _push(graph),
        "power iteration": _power(graph),
        "igraph prpack": _igraph(graph),
    }
    if graph.nodes <= NETWORKX_NODES:
        solvers["networkx"] = _networkx(graph)
    pull = transposed(graph.transition)
    seconds: dict[str, list[float]] = {name: [] for name in solvers}
    cpu: dict[str, list[float]] = {name: [] for name in solvers}
    found: dict[str, list[float]] = {name: [] for name in solvers}
    reached: dict[str, list[float]] = {name: [] for name in solvers}
    rng = np.random.default_rng([seed, 7])
    for number in range(queries + 1):
        reset = graph.seeds(rng)
        exact = personalized_pagerank(graph.transition, reset, tol=1e-13, pull=pull)
        others = np.flatnonzero(reset == 0.0)
        for name, solver in solvers.items():
            given = _as_taken(name, graph, reset)
            start, worked = time.perf_counter(), time.thread_time()
            x = solver(given)
            took, worked = time.perf_counter() - start, time.thread_time() - worked
            if number:
                seconds[name].append(took)
                cpu[name].append(worked)
                activation = _as_array(x, graph)
                found[name].append(overlap(activation, exact))
                reached[name].append(overlap(activation[others], exact[others]))
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    work = {name: statistics.median(times) for name, times in cpu.items()}
    return {
        "nodes": graph.nodes,
        "edges": int(graph.transition.nnz),
        "mean_degree": graph.degree,
        "seconds": medians,
        "cpu_seconds": work,
        "overlap_at_20": {name: statistics.mean(shares) for name, shares in found.items()},
        "overlap_at_20_beyond_seeds": {name: statistics.mean(shares) for name, shares in reached.items()},
        "ratio": {name: median / medians[OURS] for name, median in medians.items()},
        "cpu_ratio": {name: median / work[OURS] for name, median in work.items()},
    }


def best(x: Vector) -> NDArray[np.int64]:
    """The 20 nodes of highest activation, ties by position."""
    return np.lexsort((np.arange(len(x)), -x))[:TOP]


def overlap(x: Vector, exact: Vector) -> float:
    """Share of the exact twenty best that are among the twenty best of *x*."""
    truth = best(exact).tolist()
    return len(set(truth) & set(best(x).tolist())) / len(truth)


def _push(graph: WalkGraph) -> Solver:
    return lambda seeds: graph.network.walk(seeds[0], seeds[1], graph.steps, damping=DAMPING)


def _power(graph: WalkGraph) -> Solver:
    transition, pull = graph.transition, transposed(graph.transition)
    return lambda reset: personalized_pagerank(transition, reset, damping=DAMPING, pull=pull)


def _igraph(graph: WalkGraph) -> Solver:
    """As HippoRAG calls it. Directed: the discount of frequent names makes the two ways of an edge differ."""
    import igraph

    entries = graph.transition.tocoo()
    edges = np.stack([entries.row, entries.col], axis=1).astype(np.int64)
    made = igraph.Graph(n=graph.nodes, edges=edges.data, directed=True, edge_attrs={"weight": entries.data.tolist()})
    return lambda reset: made.personalized_pagerank(
        damping=DAMPING, reset=reset, weights="weight", directed=True, implementation="prpack"
    )


def _networkx(graph: WalkGraph) -> Solver:
    import networkx

    made = networkx.from_scipy_sparse_array(graph.transition, create_using=networkx.DiGraph)
    # It stops when the L1 change is below tol · nodes: so scaled, it stops where our power iteration does.
    tol = 1e-9 / graph.nodes
    return lambda reset: networkx.pagerank(
        made, alpha=DAMPING, personalization=reset, dangling=reset, tol=tol, max_iter=200
    )


def _as_taken(name: str, graph: WalkGraph, reset: Vector) -> Any:
    """Reset weights as the solver takes them; making them so is not on its clock."""
    seeds = np.flatnonzero(reset)
    if name == OURS:
        return graph.places[seeds], reset[seeds]
    if name == "networkx":
        return dict(zip(seeds.tolist(), reset[seeds].tolist(), strict=True))
    return reset.tolist() if name.startswith("igraph") else reset


def _as_array(x: Any, graph: WalkGraph) -> Vector:
    if isinstance(x, Walked):
        activation = np.zeros(graph.nodes)
        activation[np.searchsorted(graph.places, x.nodes)] = x.activation
        return activation
    if isinstance(x, Mapping):
        return np.array([x[node] for node in range(graph.nodes)])
    return np.asarray(x, dtype=np.float64)


def table(name: str, figures: Mapping[str, Any]) -> Table:
    """A row a solver."""
    title = f"{name}, mean degree {figures['mean_degree']:.1f}: median of a question"
    made = Table(title=title, title_justify="left")
    times = ("ms", f"against {OURS}", "CPU ms", f"against {OURS}")
    for column in ("solver", *times, f"of the exact {TOP} best", "that are no seeds"):
        made.add_column(column, justify="left" if column == "solver" else "right", no_wrap=True)
    for solver, seconds in figures["seconds"].items():
        work = figures["cpu_seconds"][solver]
        shares = (f"{figures[which][solver]:.3f}" for which in ("overlap_at_20", "overlap_at_20_beyond_seeds"))
        ratios = [f"{figures[which][solver]:.2f} x" for which in ("ratio", "cpu_ratio")]
        made.add_row(solver, ms(seconds), ratios[0], ms(work), ratios[1], *shares)
    return made
