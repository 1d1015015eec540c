"""The constants of the default retriever, and what each of its stages is switched off by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hippomem.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Weights:
    """Constants of `HippoMem`: one set for every kind of text.

    Parts that need titles, names, sessions, dates or token vectors add nothing where there are none. The figures in the
    README are of these values on every set; what they lose on sets that they were not chosen on is told there too
    (``python -m eval crossval``).
    """

    #: Match. A fact counts its cosine, plus this times its share of the query's idf mass, plus this if its title is named.
    lexical_match: float = 0.5
    title_match: float = 0.2
    #: Passages that are looked at: so many of the nearest, of those with the query's words, and of those the walk reaches.
    candidates: int = 300
    #: Seed. The best facts, softmax temperature of their match; sharp, because a mediocre fact seeds the wrong entities.
    seed_facts: int = 8
    seed_sharpness: float = 0.05
    seed_entities: int = 20
    #: A name in the query, against 1 for an entity of the best fact (both over document frequency).
    mention_seed: float = 1.0
    #: Passages: (scaled cosine + this times BM25 share + title) to the power, times the weight. The power keeps the few
    #: passages that stand out; the lexical part finds the turn of a conversation that the encoder cannot.
    passage_seed: float = 0.1
    passage_lexical: float = 1.5
    passage_peak: float = 10.0
    #: Edges, against 1 for "sentence names entity" and "passage holds sentence".
    title_edge: float = 8.0
    entity_edge: float = 0.3
    synonym_edge: float = 1.0
    neighbour_edge: float = 8.0
    #: Walk. The probability of following an edge; 0 leaves the seeds as they are.
    damping: float = 0.5
    #: Fuse. Activation below this share of what every passage would get from an even spread is as good as none; then the
    #: weights of the parts, each scaled to [0, 1] over the candidates.
    floor: float = 1e-2
    title: float = 0.1
    own: float = 0.3
    title_chain: float = 0.3
    any_chain: float = 0.15
    #: What happened is told in its own words: for passages with a date or a session, the share of the query's words counts
    #: once more, and so does how well the passage covers the query; and it matters whether the query names who said it.
    #: (For passages about the world these would cost the second hop, which shares no word with the query.)
    episode: float = 1.0
    speaker: float = 0.2
    #: Cover. So many of the best are put in an order in which each says what those before it leave open; what covering the
    #: whole query is worth, and a link: one passage names the other's title, or they share rare names.
    covered: int = 20
    cover: float = 4.0
    link: float = 0.2

    def without(self, *stages: str) -> Weights:
        """These weights with stages switched off, for ablations. Raises ConfigError for a name that is no stage."""
        for stage in stages:
            if stage not in STAGES:
                raise ConfigError(f"'{stage}' is no stage of the retriever; choose from {', '.join(STAGES)}.")
        return replace(self, **{name: value for stage in stages for name, value in STAGES[stage].items()})  # type: ignore[arg-type]


#: Stage → the weights that switch it off. An ablation takes one of them out (``python -m eval ablate``).
STAGES: Mapping[str, Mapping[str, float]] = {
    "lexical": {"lexical_match": 0.0, "passage_lexical": 0.0, "episode": 0.0},
    "titles": {"title_match": 0.0, "title_edge": 0.0, "title": 0.0, "title_chain": 0.0},
    "fact-seeds": {"seed_facts": 0},
    "mention-seeds": {"mention_seed": 0.0},
    "passage-seeds": {"passage_seed": 0.0},
    "synonyms": {"synonym_edge": 0.0},
    "neighbours": {"neighbour_edge": 0.0},
    "walk": {"damping": 0.0},
    "chains": {"own": 0.0, "title_chain": 0.0, "any_chain": 0.0},
    "episode": {"episode": 0.0, "speaker": 0.0},
    "cover": {"covered": 0},
    "links": {"link": 0.0},
}
