"""A namespace as a networkx graph and as GraphML, for other programs (Gephi, Cytoscape, networkx itself)."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import numpy as np

from hippomem.errors import ConfigError
from hippomem.retrieve.index import load_index
from hippomem.store import Store, display
from hippomem.store.facts import GAZETTEER, OBJECT, SPAN, SUBJECT, TITLE

if TYPE_CHECKING:
    import networkx

_ROLES = {SPAN: "span", GAZETTEER: "gazetteer", TITLE: "title", SUBJECT: "subject", OBJECT: "object"}
#: Characters that XML 1.0 cannot hold, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_networkx(store: Store, namespace: str) -> networkx.Graph[str]:
    """The namespace as an undirected graph; nodes and edges in order of content, whatever order memories came in.

    Nodes ``entity:KEY``, ``fact:ID``, ``passage:ID``, with ``kind`` and ``label``. Edges with ``kind`` and ``weight``:
    mention (fact-entity, weight 1, ``roles``), contribution (passage-fact, weight: how often the passage states it),
    synonym (entity-entity, weight: cosine), neighbour (passages that follow one another in a session, weight 1).
    Raises ConfigError when networkx is not installed.
    """
    try:
        import networkx as nx
    except ImportError as error:
        raise ConfigError("a graph export needs networkx; install it with: pip install networkx") from error
    with store.reading() as db:
        index = load_index(store, namespace)
        passages = [f"passage:{passage_id}" for passage_id in index.passage_ids]
        entities = [f"entity:{key}" for key in index.entities]
        fact_ids = dict(db.execute("SELECT fact_key, fact_id FROM facts").fetchall())
        facts = [f"fact:{fact_ids[key]}" for key in index.fact_keys.tolist()]
        graph: networkx.Graph[str] = nx.Graph(namespace=namespace)
        for node, key in zip(entities, index.entity_keys.tolist(), strict=True):
            graph.add_node(node, kind="entity", label=display.entity_name(db, key))
        for node, key, is_triple in zip(facts, index.fact_keys.tolist(), index.is_triple.tolist(), strict=True):
            kind = "triple" if is_triple else "sentence"
            graph.add_node(node, kind="fact", label=display.fact_statement(db, key), fact_kind=kind)
        for node, title, passage_id in zip(passages, index.titles, index.passage_ids, strict=True):
            graph.add_node(node, kind="passage", label=title or passage_id)
    mentions = index.mentions.tocoo()
    for fact, entity, roles in sorted(
        zip(mentions.row.tolist(), mentions.col.tolist(), mentions.data.tolist(), strict=True)
    ):
        names = ",".join(name for bit, name in _ROLES.items() if int(roles) & bit)
        graph.add_edge(facts[fact], entities[entity], kind="mention", weight=1.0, roles=names)
    made = index.contributions.tocoo()
    for passage, fact, count in sorted(zip(made.row.tolist(), made.col.tolist(), made.data.tolist(), strict=True)):
        graph.add_edge(passages[passage], facts[fact], kind="contribution", weight=float(count))
    near = index.synonyms.maximum(index.synonyms.T).tocoo()
    for a, b, cosine in sorted(zip(near.row.tolist(), near.col.tolist(), near.data.tolist(), strict=True)):
        if a < b:
            graph.add_edge(entities[a], entities[b], kind="synonym", weight=float(cosine))
    for a, b in sorted(np.sort(index.neighbours, axis=1).tolist()):
        graph.add_edge(passages[a], passages[b], kind="neighbour", weight=1.0)
    return graph


def graphml(graph: networkx.Graph[str]) -> bytes:
    """The graph as GraphML (UTF-8). Characters that XML cannot hold become U+FFFD in labels."""
    import networkx as nx

    clean: networkx.Graph[str] = nx.Graph(**{name: _xml(value) for name, value in graph.graph.items()})
    clean.add_nodes_from((_xml(node), {n: _xml(v) for n, v in data.items()}) for node, data in graph.nodes(data=True))
    clean.add_edges_from(
        (_xml(a), _xml(b), {n: _xml(v) for n, v in data.items()}) for a, b, data in graph.edges(data=True)
    )
    buffer = io.BytesIO()
    nx.write_graphml_xml(clean, buffer, encoding="utf-8", prettyprint=True)
    return buffer.getvalue()


def _xml(value: object) -> object:
    return _NOT_XML.sub("\ufffd", value) if isinstance(value, str) else value
