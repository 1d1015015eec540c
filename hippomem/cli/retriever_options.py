"""From ``--llm-filter``, ``--llm-entities`` and ``--rerank`` to a retriever's options."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from hippomem.errors import ConfigError

if TYPE_CHECKING:
    from hippomem.models.llm import LLM
    from hippomem.retrieve.options import RetrieverOptions


@contextmanager
def open_options(
    retriever: str,
    *,
    llm_filter: bool,
    llm_entities: bool,
    llm_model: str | None,
    llm_base_url: str | None,
    rerank: str | None,
) -> Iterator[RetrieverOptions]:
    """The options, with a connection to the LLM that is closed when the block ends. No model is asked or loaded yet.

    Raises ConfigError for options that go without each other, and for those that *retriever* has no place for.
    """
    from hippomem.retrieve.options import check_options, model_options

    asks = llm_filter or llm_entities
    if not asks and (llm_model is not None or llm_base_url is not None):
        raise ConfigError(
            "--llm-model and --llm-base-url go with --llm-filter or --llm-entities; say what to ask the model, "
            "or leave them out."
        )
    if asks and llm_model is None:
        raise ConfigError("--llm-filter and --llm-entities ask a language model; name it with --llm-model NAME.")
    connection: AbstractContextManager[LLM | None] = nullcontext()
    if llm_model is not None:
        from hippomem.models.llm import OpenAIChat

        connection = OpenAIChat(llm_model, base_url=llm_base_url)
    with connection as llm:
        options = model_options(llm, llm_filter=llm_filter, llm_entities=llm_entities, rerank=rerank)
        check_options(retriever, options.given)
        yield options
