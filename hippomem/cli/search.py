"""``hippomem search``: ask a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hippomem.cli.filters import filtered
from hippomem.cli.options import DEFAULT_NAMESPACE, Embedder, Json, Namespace, Store
from hippomem.cli.output import console, first_line, print_json
from hippomem.types import RetrieverName, SearchResult, Where

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from hippomem.types import Hit

#: Characters of a passage that are shown to people; `get` shows all of it.
_SHOWN_CHARACTERS = 400


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(search)
    app.command()(recall)


@filtered
def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A question or some words, in any script.")],
    store: Store,
    allowed: Where,
    k: Annotated[
        int, typer.Option("--k", metavar="N", help="Passages at most; fewer when the store holds fewer.")
    ] = 10,
    why: Annotated[
        bool, typer.Option("--why", help="Show seeds, facts and the path to each passage (--json always does).")
    ] = False,
    retriever: Annotated[RetrieverName, typer.Option(help="How to rank.")] = "hippomem",
    llm_filter: Annotated[
        bool, typer.Option("--llm-filter", help="Let a model drop facts that do not help (hipporag2, hippomem).")
    ] = False,
    llm_entities: Annotated[
        bool, typer.Option("--llm-entities", help="Let a model find the query's names (hipporag1, hippomem).")
    ] = False,
    llm_model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Model for --llm-filter and --llm-entities.")
    ] = None,
    llm_base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="OpenAI-compatible endpoint of the model (or OPENAI_BASE_URL).")
    ] = None,
    rerank: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Re-rank the best hits by this sentence-transformers cross-encoder."),
    ] = None,
    freshness: Annotated[
        bool, typer.Option("--freshness/--no-freshness", help="Rank what is no longer so behind what says so.")
    ] = True,
    namespace: Namespace = DEFAULT_NAMESPACE,
    embedder: Embedder = None,
    as_json: Json = False,
) -> None:
    """Rank the passages that answer a question, best first."""
    from hippomem.cli.opening import checked, open_memory
    from hippomem.cli.retriever_options import open_options

    query = checked(query, "the query")
    with (
        open_options(
            retriever,
            llm_filter=llm_filter,
            llm_entities=llm_entities,
            llm_model=llm_model,
            llm_base_url=llm_base_url,
            rerank=rerank,
        ) as options,
        open_memory(store, namespace, embedder=embedder, options=options) as memory,
    ):
        result = memory.search(query, k=k, retriever=retriever, explain=why or as_json, freshness=freshness, **allowed)
        is_empty = not len(result) and not memory.stats().passages
    if as_json:
        print_json(result.to_dict())
    elif is_empty:
        typer.echo(f"nothing is stored in namespace '{namespace}' of '{store}'.")
    else:
        print_result(result, why=why)


@filtered
def recall(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What the context is for: a question, a task.")],
    store: Store,
    allowed: Where,
    max_tokens: Annotated[int, typer.Option(metavar="N", min=1, help="Longest block, in tokens.")] = 1000,
    k: Annotated[int, typer.Option("--k", metavar="N", help="Passages that are looked at.")] = 20,
    namespace: Namespace = DEFAULT_NAMESPACE,
    embedder: Embedder = None,
    as_json: Json = False,
) -> None:
    """Print a block of context for a prompt: the most useful passages that fit, numbered, marked as quoted data."""
    from hippomem.cli.opening import checked, open_memory

    query = checked(query, "the query")
    with open_memory(store, namespace, embedder=embedder) as memory:
        found = memory.recall(query, max_tokens=max_tokens, k=k, **allowed)
    if as_json:
        print_json(found.to_dict())
    else:
        typer.echo(found.text or "nothing is remembered of that.")


def print_result(result: SearchResult, *, why: bool) -> None:
    """Ranked passages for people."""
    from rich.text import Text

    from hippomem.cli.why import seeds_line

    out = console()
    if result.note:
        out.print(Text(f"note: {result.note}", "yellow"))
    if not result.hits:
        out.print("no match.")
    if why and result.hits and (first := result.hits[0].why) is not None and first.seeds:
        out.print(labelled("seeds", seeds_line(first.seeds)))
        out.print()
    for hit in result:
        _print_hit(out, hit, why)


def _print_hit(out: Console, hit: Hit, why: bool) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from hippomem.cli.why import chain, fact_line

    ids = " ".join(hit.source_ids) or hit.passage_id
    when = f"  {hit.occurred_at}" if hit.occurred_at else ""
    old = f"  changed since: see {hit.superseded_by}" if hit.superseded_by else ""
    out.print(
        Text.assemble(
            (f"{hit.rank:>2}  ", "bold"),
            (hit.title, "bold green"),
            (f"  {ids}{when}  {hit.score:.3f}", "dim"),
            (old, "yellow"),
        )
    )
    out.print(Padding(Text(first_line(hit.text, _SHOWN_CHARACTERS)), (0, 0, 0, 4), expand=False))
    if why and hit.why is not None:
        if hit.why.path:
            out.print(labelled("path", *chain(hit.why.path)))
        else:
            out.print(labelled("path", Text("none: found by likeness alone", "dim")))
        if hit.why.facts:
            out.print(labelled("facts", *(fact_line(fact) for fact in hit.why.facts)))
        if hit.why.scores:
            out.print(labelled("scores", Text(" · ".join(f"{n} {v:.3f}" for n, v in hit.why.scores.items()), "dim")))
    out.print()


def labelled(label: str, *lines: RenderableType) -> RenderableType:
    """Lines with a label to their left; long lines wrap under themselves."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=6, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(label, "dim"), Group(*lines))
    return Padding(grid, (0, 0, 0, 4), expand=False)
