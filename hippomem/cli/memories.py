"""Commands for memories: add, get, update, forget, list, history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hippomem.cli.filters import filtered
from hippomem.cli.options import DEFAULT_NAMESPACE, Embedder, Json, Namespace, Store
from hippomem.cli.output import first_line, print_json
from hippomem.errors import ConfigError
from hippomem.types import Kind, MemoryRecord, Where

if TYPE_CHECKING:
    from rich.text import Text

SomeId = Annotated[str, typer.Argument(metavar="ID", help="A memory id, or the id of one of its passages or sources.")]
OccurredAt = Annotated[
    str | None,
    typer.Option("--occurred-at", metavar="TIME", help="When it happened, e.g. 2026-11-21 or 2026-11-21T18:30."),
]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(add)
    app.command()(get)
    app.command()(update)
    app.command()(forget)
    app.command(name="list")(list_memories)
    app.command()(history)


def add(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to remember; - reads standard input (UTF-8).")],
    store: Store,
    title: Annotated[str, typer.Option(metavar="TITLE", help="What the text is about.")] = "",
    source_id: Annotated[str | None, typer.Option(metavar="ID", help="Your own id of it; hits carry it.")] = None,
    occurred_at: OccurredAt = None,
    user: Annotated[str | None, typer.Option(metavar="NAME", help="Whose memory it is.")] = None,
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="The agent that remembers it.")] = None,
    session: Annotated[str | None, typer.Option(metavar="NAME", help="The conversation it is a turn of.")] = None,
    position: Annotated[int | None, typer.Option(metavar="N", help="Its turn number within the session.")] = None,
    speaker: Annotated[str | None, typer.Option(metavar="NAME", help="Who said it.")] = None,
    kind: Annotated[
        Kind, typer.Option(help="semantic: knowledge. episodic: an event. procedural: how to do it.")
    ] = "semantic",
    meta: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="A note of your own, as text; may be repeated.")
    ] = None,
    supersedes: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A memory that it takes the place of; may be repeated.")
    ] = None,
    ttl: Annotated[float | None, typer.Option(metavar="SECONDS", help="Forget it after so long.")] = None,
    namespace: Namespace = DEFAULT_NAMESPACE,
    embedder: Embedder = None,
    as_json: Json = False,
) -> None:
    """Remember one text and print its memory id; the same text, title and time again is the same memory.

    The store is made when it is not there.
    """
    from hippomem.cli.opening import checked, open_memory, text_or_stdin
    from hippomem.types import Document
    from indexing.validation import check_document

    document = Document(text=text_or_stdin(text), title=checked(title, "--title"))
    check_document(document)  # before a store is made
    metadata = _key_values(meta or [])
    with open_memory(store, namespace, embedder=embedder, create=True) as memory:
        memory_id = memory.add(
            document.text,
            title=document.title,
            source_id=source_id,
            kind=kind,
            occurred_at=occurred_at,
            user=user,
            agent=agent,
            session=session,
            speaker=speaker,
            position=position,
            metadata=metadata,
            supersedes=supersedes or (),
            ttl=ttl,
        )
        if as_json:
            print_json(memory.get(memory_id).to_dict())
        else:
            typer.echo(memory_id)


def get(some_id: SomeId, store: Store, namespace: Namespace = DEFAULT_NAMESPACE, as_json: Json = False) -> None:
    """Show one memory: its whole text, its sources and its passages."""
    from hippomem.cli.opening import checked, open_without_model

    with open_without_model(store, namespace) as memory:
        record = memory.get(checked(some_id, "the id"))
    if as_json:
        print_json(record.to_dict())
    else:
        _print_record(record)


def update(
    some_id: SomeId,
    store: Store,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The new text; - reads standard input (UTF-8).")
    ] = None,
    title: Annotated[str | None, typer.Option(metavar="TITLE", help="The new title.")] = None,
    occurred_at: OccurredAt = None,
    keep_history: Annotated[
        bool, typer.Option("--keep-history/--no-history", help="Keep what it said before, for `history`.")
    ] = True,
    namespace: Namespace = DEFAULT_NAMESPACE,
    embedder: Embedder = None,
    as_json: Json = False,
) -> None:
    """Change a memory's text, title or time; what is not given stays, and so does its memory id."""
    from hippomem.cli.opening import checked, open_memory, text_or_stdin

    if text is None and title is None and occurred_at is None:
        raise ConfigError("nothing to change; give --text, --title or --occurred-at.")
    with open_memory(store, namespace, embedder=embedder) as memory:
        record = memory.update(
            checked(some_id, "the id"),
            None if text is None else text_or_stdin(text),
            title=None if title is None else checked(title, "--title"),
            occurred_at=occurred_at,
            keep_history=keep_history,
        )
    if as_json:
        print_json(record.to_dict())
    else:
        typer.echo(record.memory_id)


@filtered
def forget(
    store: Store,
    allowed: Where,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Memory ids, or ids of their passages or sources.")
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Forget the whole namespace.")] = False,
    namespace: Namespace = DEFAULT_NAMESPACE,
    as_json: Json = False,
) -> None:
    """Forget memories, by their ids or by what they have in common: afterwards the store is as if they had never been there.

    Nothing happens if an id is unknown.
    """
    from hippomem.cli.opening import checked, open_without_model

    if bool(ids) + bool(allowed) + everything != 1:
        raise ConfigError("say what to forget: ids, or filters such as --user or --until, or --everything.")
    with open_without_model(store, namespace) as memory:
        if everything:
            found = [record.memory_id for record in memory.list()]
            memory.forget_all()
        elif allowed:
            found = [record.memory_id for record in memory.list(**allowed)]
            memory.forget(**allowed)
        else:
            # Look all of them up first, so that a mistyped id does not leave the work half done.
            found = list(dict.fromkeys(memory.get(checked(some_id, "the id")).memory_id for some_id in ids or ()))
            memory.forget(*found)
    if as_json:
        print_json({"forgotten": found})
    else:
        for memory_id in found:
            typer.echo(f"forgot {memory_id}")
        if not found:
            typer.echo("nothing was there to forget.")


def history(some_id: SomeId, store: Store, namespace: Namespace = DEFAULT_NAMESPACE, as_json: Json = False) -> None:
    """Show what a memory said, oldest first."""
    from hippomem.cli.opening import checked, open_without_model

    with open_without_model(store, namespace) as memory:
        versions = memory.history(checked(some_id, "the id"))
    if as_json:
        print_json({"versions": [version.to_dict() for version in versions]})
        return
    for version in versions:
        until = "now" if version.replaced_at is None else version.replaced_at
        title = f"{version.title}: " if version.title else ""
        typer.echo(f"{version.recorded_at} to {until}  {first_line(title + version.text, 70)}")


@filtered
def list_memories(
    store: Store,
    allowed: Where,
    limit: Annotated[int, typer.Option(metavar="N", min=0, help="Memories at most; 0 for all.")] = 20,
    newest: Annotated[bool, typer.Option("--newest", help="The newest first, instead of by id.")] = False,
    namespace: Namespace = DEFAULT_NAMESPACE,
    as_json: Json = False,
) -> None:
    """List memories, by memory id."""
    from hippomem.cli.opening import open_without_model

    with open_without_model(store, namespace) as memory:
        records = list(memory.list(limit=limit or None, newest_first=newest, **allowed))
        total = memory.count(**allowed)
    if as_json:
        print_json({"total": total, "memories": [record.to_dict() for record in records]})
        return
    for record in records:
        title = f"{record.title}: " if record.title else ""
        old = "  (no longer so)" if record.superseded_by else ""
        typer.echo(f"{record.memory_id}  {record.occurred_at or '-':<10}  {first_line(title + record.text, 70)}{old}")
    if len(records) < total:
        typer.echo(f"… {len(records)} of {total:,}; --limit 0 lists all")


def _key_values(pairs: list[str]) -> dict[str, str]:
    """KEY=VALUE arguments as a dict. Raises ConfigError for one without a key or an equals sign."""
    from hippomem.cli.opening import checked

    made = {}
    for pair in pairs:
        key, equals, value = checked(pair, "--meta").partition("=")
        if not key or not equals:
            raise ConfigError(f"--meta '{pair}' is not KEY=VALUE.")
        made[key] = value
    return made


def _print_record(record: MemoryRecord) -> None:
    from rich.text import Text

    from hippomem.cli.output import console

    out = console()
    if record.title:
        out.print(Text(record.title, "bold green"))
    out.print(Text(record.text))
    out.print()
    out.print(_field("memory", record.memory_id))
    out.print(_field("happened", record.occurred_at or "not given"))
    out.print(_field("recorded", record.recorded_at))
    if record.expires_at:
        out.print(_field("expires", record.expires_at[:19]))
    if record.superseded_by:
        out.print(_field("see", f"{record.superseded_by}, which says otherwise since"))
    for source in record.sources:
        named = {"user": source.user, "agent": source.agent, "session": source.session, "speaker": source.speaker}
        parts = [
            source.source_id or "(no id)",
            source.kind,
            *(f"{name} {value}" for name, value in named.items() if value),
        ]
        out.print(_field("source", " · ".join(parts)))
    for passage_id, state in zip(record.passage_ids, record.states, strict=True):
        out.print(_field("passage", f"{passage_id} {state}"))


def _field(name: str, value: str) -> Text:
    from rich.text import Text

    return Text.assemble((f"{name:<9}", "dim"), value)
