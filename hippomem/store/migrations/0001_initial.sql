-- The truth of a hippomem store. Everything that can be computed from these tables is a cache and lives elsewhere.
-- "_key" columns are row numbers of this file; "_id" columns follow from content and mean the same in every file.

-- Choices the stored data depend on, as JSON: the embedding model's identity, chunking, synonymy.
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- The tenant boundary. generation counts committed changes: a reader with another number has a stale picture.
CREATE TABLE namespaces (
    namespace_key INTEGER PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    generation    INTEGER NOT NULL DEFAULT 0
);

-- What was handed in. Equal (namespace, title, text, occurred_at) is one memory; memory_id survives an update.
CREATE TABLE memories (
    memory_key    INTEGER PRIMARY KEY,
    namespace_key INTEGER NOT NULL REFERENCES namespaces,
    memory_id     TEXT NOT NULL UNIQUE,
    content_id    TEXT NOT NULL,
    title         TEXT NOT NULL,
    text          TEXT NOT NULL,
    occurred_at   TEXT,
    recorded_at   TEXT NOT NULL,
    UNIQUE (namespace_key, content_id)
);

-- Where a memory came from; one row for each place, so that a duplicate loses nothing.
CREATE TABLE sources (
    source_key INTEGER PRIMARY KEY,
    memory_key INTEGER NOT NULL REFERENCES memories ON DELETE CASCADE,
    source_id  TEXT,
    kind       TEXT NOT NULL CHECK (kind IN ('semantic', 'episodic', 'procedural')),
    user_id    TEXT,
    agent_id   TEXT,
    session_id TEXT,
    speaker    TEXT,
    position   INTEGER,
    metadata   TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX sources_of_memory ON sources (memory_key);
CREATE INDEX sources_by_id ON sources (source_id) WHERE source_id IS NOT NULL;

-- The unit that is ranked: characters [start, stop) of its memory's text. vector: float32 little-endian, unit length.
-- pending: stored only; extracted: its facts are stored; ready: embedded and linked; failed: the LLM extraction failed
-- (error says why), its sentences are indexed all the same, and a retry fetches what is missing.
CREATE TABLE passages (
    passage_key   INTEGER PRIMARY KEY,
    namespace_key INTEGER NOT NULL REFERENCES namespaces,
    memory_key    INTEGER NOT NULL REFERENCES memories ON DELETE CASCADE,
    passage_id    TEXT NOT NULL,
    ordinal       INTEGER NOT NULL,
    start         INTEGER NOT NULL,
    stop          INTEGER NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('pending', 'extracted', 'failed', 'ready')),
    error         TEXT,
    attempts      INTEGER NOT NULL DEFAULT 0,
    vector        BLOB,
    UNIQUE (namespace_key, passage_id)
);
CREATE INDEX passages_of_memory ON passages (memory_key);
CREATE INDEX passages_unfinished ON passages (namespace_key, state) WHERE state <> 'ready';
CREATE INDEX passages_unembedded ON passages (namespace_key) WHERE vector IS NULL;

-- A statement, once, however many passages make it. kind 'sentence': subject is the title, object the sentence.
-- kind 'triple': the folded subject, predicate and object.
CREATE TABLE facts (
    fact_key      INTEGER PRIMARY KEY,
    namespace_key INTEGER NOT NULL REFERENCES namespaces,
    fact_id       TEXT NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('sentence', 'triple')),
    subject       TEXT NOT NULL,
    predicate     TEXT NOT NULL,
    object        TEXT NOT NULL,
    vector        BLOB,
    UNIQUE (namespace_key, fact_id)
);
CREATE INDEX facts_unembedded ON facts (namespace_key) WHERE vector IS NULL;

-- Which passage makes which statement, and how often: every edge weight of the graph is a function of these rows.
-- statement: for a triple, the words as the extractor gave them (JSON), for display.
CREATE TABLE contributions (
    passage_key INTEGER NOT NULL REFERENCES passages ON DELETE CASCADE,
    fact_key    INTEGER NOT NULL REFERENCES facts ON DELETE CASCADE,
    ordinal     INTEGER NOT NULL,
    count       INTEGER NOT NULL,
    statement   TEXT,
    PRIMARY KEY (passage_key, fact_key)
) WITHOUT ROWID;
CREATE INDEX contributions_of_fact ON contributions (fact_key);

-- A name. linked: its synonym edges have been searched. known: it is in the gazetteer (a title, or a span seen in two passages), so it is found in every sentence.
CREATE TABLE entities (
    entity_key    INTEGER PRIMARY KEY,
    namespace_key INTEGER NOT NULL REFERENCES namespaces,
    key           TEXT NOT NULL,
    known         INTEGER NOT NULL DEFAULT 0 CHECK (known IN (0, 1)),
    linked        INTEGER NOT NULL DEFAULT 0 CHECK (linked IN (0, 1)),
    vector        BLOB,
    UNIQUE (namespace_key, key)
);
CREATE INDEX entities_known ON entities (namespace_key, key) WHERE known;
CREATE INDEX entities_unembedded ON entities (namespace_key) WHERE vector IS NULL;
CREATE INDEX entities_unlinked ON entities (namespace_key) WHERE NOT linked;

-- Which statement names which entity. roles is a sum: 1 span of the sentence, 2 found by the gazetteer, 4 title,
-- 8 subject of a triple, 16 object of a triple.
CREATE TABLE mentions (
    fact_key   INTEGER NOT NULL REFERENCES facts ON DELETE CASCADE,
    entity_key INTEGER NOT NULL REFERENCES entities ON DELETE CASCADE,
    roles      INTEGER NOT NULL CHECK (roles BETWEEN 1 AND 31),
    surface    TEXT NOT NULL,
    PRIMARY KEY (fact_key, entity_key)
) WITHOUT ROWID;
CREATE INDEX mentions_of_entity ON mentions (entity_key, roles);

-- The inverted index: words of the sentences (not of their titles). term: what BM25 counts, NULL for a stop word.
CREATE TABLE words (
    word_key      INTEGER PRIMARY KEY,
    namespace_key INTEGER NOT NULL REFERENCES namespaces,
    word          TEXT NOT NULL,
    term          TEXT,
    UNIQUE (namespace_key, word)
);
CREATE TABLE postings (
    word_key INTEGER NOT NULL REFERENCES words ON DELETE CASCADE,
    fact_key INTEGER NOT NULL REFERENCES facts ON DELETE CASCADE,
    count    INTEGER NOT NULL,
    PRIMARY KEY (word_key, fact_key)
) WITHOUT ROWID;
CREATE INDEX postings_of_fact ON postings (fact_key);

-- An entity's nearest names above the threshold, nearest first, at most synonyms.top_k of them: derived, kept up.
CREATE TABLE synonyms (
    entity_key INTEGER NOT NULL REFERENCES entities ON DELETE CASCADE,
    other_key  INTEGER NOT NULL REFERENCES entities ON DELETE CASCADE,
    similarity REAL NOT NULL,
    PRIMARY KEY (entity_key, other_key)
) WITHOUT ROWID;
CREATE INDEX synonyms_of_other ON synonyms (other_key);
