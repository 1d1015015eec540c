"""Options of a command that has an LLM read a corpus: who is asked, how fast, for how much."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hippomem.cli.options import gathering
from hippomem.errors import ConfigError

if TYPE_CHECKING:
    from hippomem.models.async_chat import AsyncOpenAIChat
    from hippomem.models.pacing import Pace
    from hippomem.models.prices import Price
    from indexing.extract.llm import Scheme


@dataclass(frozen=True)
class LlmOptions:
    """What was said on the command line; None for what was not."""

    llm_model: Annotated[str | None, typer.Option(metavar="NAME", help="The model for --extractor llm.")] = None
    llm_base_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Its OpenAI-compatible endpoint; default: OPENAI_BASE_URL. Key: OPENAI_API_KEY."
        ),
    ] = None
    llm_share: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE", help="Have only this part of the passages read, those where it pays most: 0.2 for a fifth."
        ),
    ] = None
    passages_per_call: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Ask about so many short passages at once. Default: 1.")
    ] = None
    llm_form: Annotated[
        Literal["compact", "plain", "two-calls"],
        typer.Option(
            help="compact: names are listed once and referred to by number. plain: written out, for models that cannot "
            "count. two-calls: names first, then triples about them, as HippoRAG asks."
        ),
    ] = "compact"
    concurrency: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Calls at once at most; the pace adapts to the endpoint below it. Default: 50."
        ),
    ] = None
    requests_per_minute: Annotated[
        float | None, typer.Option(metavar="N", min=0, help="The account's limit of requests.")
    ] = None
    tokens_per_minute: Annotated[
        float | None, typer.Option(metavar="N", min=0, help="The account's limit of tokens.")
    ] = None
    patience: Annotated[
        float | None,
        typer.Option(
            metavar="MINUTES", min=0, help="How long an endpoint may be down before the run ends. Default: 60."
        ),
    ] = None
    call_timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0, help="How long a call may take. Default: 60.")
    ] = None
    budget_usd: Annotated[
        float | None, typer.Option(metavar="USD", min=0, help="Stop before more than this is spent.")
    ] = None
    budget_tokens: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Stop before more tokens than this are used.")
    ] = None
    price_in: Annotated[
        float | None, typer.Option(metavar="USD", help="Price of a million prompt tokens; default: a table.")
    ] = None
    price_out: Annotated[float | None, typer.Option(metavar="USD", help="Price of a million completion tokens.")] = None
    prices: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A TOML table of prices that goes before the built-in one: model = [in, out]."
        ),
    ] = None
    batch_api: Annotated[
        bool, typer.Option("--batch-api", help="Use the vendor's Batch API: half the price, an answer within a day.")
    ] = False
    batch_no_wait: Annotated[
        bool, typer.Option("--batch-no-wait", help="Submit and end; the same command collects later.")
    ] = False
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Read the corpus, say what the LLM will cost in calls, tokens, money and time, and end."
        ),
    ] = False
    dry_run_calls: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=3,
            help="With --dry-run: make about N calls for real to see how much the model says, how fast.",
        ),
    ] = None

    def require(self, is_llm: bool) -> None:
        """Raises ConfigError for options that do not go together."""
        given = [_option(each.name) for each in fields(self) if getattr(self, each.name) != each.default]
        if not is_llm and given:
            raise ConfigError(f"{given[0]} goes with --extractor llm.")
        if is_llm and not self.llm_model:
            raise ConfigError("--extractor llm needs --llm-model NAME (and --llm-base-url URL or OPENAI_BASE_URL).")
        if self.batch_no_wait and not self.batch_api:
            raise ConfigError("--batch-no-wait goes with --batch-api.")
        if self.dry_run_calls and not self.dry_run:
            raise ConfigError("--dry-run-calls goes with --dry-run.")

    def scheme(self) -> Scheme:
        """In which words is asked. Raises ConfigError."""
        from indexing.extract.llm import Scheme

        if self.llm_form == "two-calls":
            return Scheme(passages_per_call=self.passages_per_call or 1, calls=2)
        return Scheme(passages_per_call=self.passages_per_call or 1, form=self.llm_form)

    @property
    def model(self) -> str:
        """Who is asked, of options that `require` has let pass."""
        assert self.llm_model is not None
        return self.llm_model

    @property
    def share(self) -> float:
        """Of the passages, the part that is asked about."""
        return 1.0 if self.llm_share is None else self.llm_share

    def chat(self) -> Callable[[], AsyncOpenAIChat]:
        """Makes connections, on this machine or another. Raises ConfigError."""
        from hippomem.models.async_chat import AsyncOpenAIChat
        from hippomem.models.openai_client import endpoint_settings

        # The key is read here: the environment of a cluster's machines is another.
        base_url, api_key = endpoint_settings(self.model, self.llm_base_url, None)
        return partial(AsyncOpenAIChat, self.model, base_url, api_key, timeout=self.call_timeout or 60.0)

    def pace(self, *, patience: float = 3600.0) -> Pace:
        """How fast is asked. patience: in seconds, where none was given. Raises ConfigError."""
        from hippomem.models.pacing import Pace

        return Pace(
            concurrency=self.concurrency or 50,
            requests_per_minute=self.requests_per_minute,
            tokens_per_minute=self.tokens_per_minute,
            patience=patience if self.patience is None else 60 * self.patience,
        )

    def price(self) -> Price | None:
        """Of the model; None where it is not known. Raises ConfigError, ReadError."""
        from hippomem.models.prices import find_price

        return find_price(self.model, price_in=self.price_in, price_out=self.price_out, table=self.prices)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def asks_llm(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes the options of this file besides its own; its parameter ``asked`` gets them."""
    options = inspect.signature(LlmOptions, eval_str=True).parameters
    return gathering(command, "asked", list(options.values()), LlmOptions)
