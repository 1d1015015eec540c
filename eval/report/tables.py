"""The tables of the report document. Each takes the JSON of `eval.evaluate.evaluate`, or its part for one set.

A figure that the JSON lacks (one written before that figure was taken) is shown as a dash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.breakdown import By
from eval.metrics import ALWAYS, NDCG_DEPTH
from eval.report.markdown import details, plain, table

Entries = Mapping[str, Mapping[str, Any]]
MISSING = "–"

#: Column title -> (name in ``ci95``, decimals).
HEADLINE = {
    "R@2": ("recall@2", 1),
    f"R@{ALWAYS}": (f"recall@{ALWAYS}", 1),
    f"all@{ALWAYS}": (f"all_recall@{ALWAYS}", 1),
    "MRR": ("mrr", 3),
    f"nDCG@{NDCG_DEPTH}": (f"ndcg@{NDCG_DEPTH}", 3),
}
SHORT = {name: title for title, (name, _) in HEADLINE.items()}


def value_of(entry: Mapping[str, Any], name: str) -> float | None:
    """A quality figure by its name in ``ci95``; None where it was not taken."""
    metric, _, k = name.partition("@")
    value = entry.get(metric, {}).get(k) if metric in ("recall", "all_recall") else entry.get(name)
    return None if value is None else float(value)


def headline(entries: Entries) -> str:
    """Quality of each retriever with its interval; the best of each column in bold."""
    best = {name: max((value_of(e, name) or 0.0) for e in entries.values()) for name, _ in HEADLINE.values()}
    rows = []
    for label, entry in entries.items():
        cells = [plain(label)]
        for name, decimals in HEADLINE.values():
            value, interval = value_of(entry, name), entry.get("ci95", {}).get(name)
            if value is None:
                cells.append(MISSING)
                continue
            figure = f"{value:.{decimals}f}"
            figure = f"**{figure}**" if value == best[name] and len(entries) > 1 else figure
            cells.append(figure + ("" if interval is None else f" <small>{_span(interval, decimals)}</small>"))
        rows.append(cells)
    return table(["retriever", *HEADLINE], rows)


def significance(comparisons: Sequence[Mapping[str, Any]]) -> str:
    """Paired differences against the first retriever, and the other pairs folded away; "" when there is one retriever."""
    if not comparisons:
        return ""
    baseline = comparisons[0]["a"]
    parts = [_pairs([pair for pair in comparisons if pair["a"] == baseline])]
    if others := [pair for pair in comparisons if pair["a"] != baseline]:
        parts.append(details("the other pairs", _pairs(others)))
    return "\n\n".join(parts)


def _pairs(pairs: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [
            f"{plain(pair['b'])} − {plain(pair['a'])}",
            SHORT.get(pair["metric"], pair["metric"]),
            f"{pair['difference']:+.1f}",
            MISSING if "ci95" not in pair else _span(pair["ci95"], 1, sign="+"),
            _p(pair["p"]),
            _p(pair.get("p_holm")),
        ]
        for pair in pairs
    ]
    return table(["pair", "metric", "difference", "95% interval", "p", "p (Holm)"], rows, words=2)


def by_label(entries: Entries, by: By) -> str:
    """Recall and all-recall at five by label, a row a label; "" for less than two: the headline has those."""
    first = next(iter(entries.values())).get(f"by_{by}") or {}
    rows = []
    for label, group in first.items():
        cells = [plain(label), f"{group['questions']:,}"]
        for entry in entries.values():
            own = entry[f"by_{by}"][label]
            recall, complete = own["recall"].get(str(ALWAYS)), own[f"all_recall@{ALWAYS}"]
            cells.append(f"{_figure(recall)} / {_figure(complete)}")
        rows.append(cells)
    title = {"type": "type", "hops": "hops", "gold": "gold passages"}[by]
    return table([title, "questions", *map(plain, entries)], rows) if len(rows) > 1 else ""


def query_costs(entries: Entries) -> str:
    """What a query takes: milliseconds with and without the encoder, and what the encoder is asked."""
    rows = [
        [
            plain(label),
            _figure(entry["query_ms"]["p50"]),
            _figure(entry["query_ms"]["p95"]),
            _figure(entry.get("query_ms_beyond_encoder", {}).get("p50")),
            _figure(entry.get("encoder_calls"), 2),
            _figure(entry.get("encoded_texts"), 2),
        ]
        for label, entry in entries.items()
    ]
    header = ["retriever", "p50 ms", "p95 ms", "p50 ms beyond the encoder", "encoder calls", "encoded texts"]
    return table(header, rows)


def index_costs(entries: Entries) -> str:
    """What building the stores took; retrievers that share a store have its cost each."""
    usage = dict.fromkeys(name for entry in entries.values() for name in entry.get("usage", {}))
    rows = [
        [
            plain(label),
            f"{entry['passages']:,}",
            str(entry["stores"]),
            _figure(entry["index_seconds"]["total"]),
            _figure(entry["index_bytes"] / 1e6),
            *(f"{entry.get('usage', {}).get(name, 0):,}" for name in usage),
        ]
        for label, entry in entries.items()
    ]
    return table(
        ["retriever", "passages", "stores", "index s", "MB", *(plain(n.replace("_", " ")) for n in usage)], rows
    )


def stages(entries: Entries, key: str, decimals: int) -> str:
    """Time by stage, a row a stage. key: ``query_ms_by_stage`` or ``index_seconds``."""
    names = dict.fromkeys(stage for entry in entries.values() for stage in entry[key])
    rows = [[plain(name), *(_figure(e[key].get(name), decimals) for e in entries.values())] for name in names]
    return table(["stage", *map(plain, entries)], rows)


def _figure(value: float | None, decimals: int = 1) -> str:
    return MISSING if value is None else f"{value:,.{decimals}f}"


def _p(value: float | None) -> str:
    return MISSING if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _span(interval: Sequence[float], decimals: int, *, sign: str = "") -> str:
    low, high = (f"{bound:{sign}.{decimals}f}" for bound in interval)
    return f"{low} … {high}" if sign else f"{low}–{high}"
