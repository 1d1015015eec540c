-- What an LLM reads in passages beside their sentences: at most one reading a passage.
-- wanted: to be asked; answered: the answer is stored, its triples are not statements yet; used: they are; failed: error says why.
-- An answer is stored before it is used. text_hash: of the title and text asked about, so that the same text is not paid for twice,
-- and an answer that comes for a passage that is gone meets no other one. model, prompt: who was asked, and in which words (version).
CREATE TABLE readings (
    passage_key   INTEGER PRIMARY KEY REFERENCES passages ON DELETE CASCADE,
    namespace_key INTEGER NOT NULL REFERENCES namespaces,
    model         TEXT NOT NULL,
    prompt        TEXT NOT NULL,
    text_hash     BLOB NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('wanted', 'answered', 'used', 'failed')),
    answer        TEXT,
    error         TEXT,
    attempts      INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX readings_open ON readings (namespace_key, state, passage_key) WHERE state <> 'used';
CREATE INDEX readings_by_text ON readings (text_hash) WHERE answer IS NOT NULL;

-- What each run with an LLM has cost, kept up in the transactions that store its answers. usd: NULL where no price is known.
-- ended_at: NULL while it runs, and for ever if it was killed.    reused: answers that were there already.
CREATE TABLE runs (
    run_key           INTEGER PRIMARY KEY,
    namespace_key     INTEGER NOT NULL REFERENCES namespaces ON DELETE CASCADE,
    started_at        TEXT NOT NULL,
    ended_at          TEXT,
    outcome           TEXT,
    model             TEXT NOT NULL,
    prompt            TEXT NOT NULL,
    options           TEXT NOT NULL DEFAULT '{}',
    calls             INTEGER NOT NULL DEFAULT 0,
    prompt_tokens     INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    usd               REAL,
    answered          INTEGER NOT NULL DEFAULT 0,
    failed            INTEGER NOT NULL DEFAULT 0,
    reused            INTEGER NOT NULL DEFAULT 0
);

-- Jobs at a vendor's Batch API. token: ours, in the job's metadata, by which a job is found again whose id was not stored before
-- the process died.    vendor_id: NULL until the vendor has given it.    endpoint: base URL of the vendor.
-- requests, and prompt_tokens, completion_tokens: what the job is expected to take, for the budget.
CREATE TABLE batches (
    token             TEXT PRIMARY KEY,
    namespace_key     INTEGER NOT NULL REFERENCES namespaces ON DELETE CASCADE,
    model             TEXT NOT NULL,
    prompt            TEXT NOT NULL,
    endpoint          TEXT NOT NULL,
    vendor_id         TEXT,
    submitted_at      TEXT NOT NULL,
    requests          INTEGER NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL
) WITHOUT ROWID;
-- What a job has still to answer: a row goes when its answer is stored. A passage is in one job at a time.
-- custom_id: of the request in the job, several passages may share one; ordinal: their order in it.
CREATE TABLE batch_passages (
    token       TEXT NOT NULL REFERENCES batches ON DELETE CASCADE,
    custom_id   TEXT NOT NULL,
    ordinal     INTEGER NOT NULL,
    passage_key INTEGER NOT NULL REFERENCES passages ON DELETE CASCADE,
    PRIMARY KEY (token, custom_id, ordinal)
) WITHOUT ROWID;
CREATE UNIQUE INDEX batch_passages_by_passage ON batch_passages (passage_key);

-- Within which corpus a source id is unique (a file): a document of the same origin and source id takes the place of the one before.
ALTER TABLE sources ADD COLUMN origin TEXT;
CREATE INDEX sources_by_origin ON sources (origin, source_id) WHERE origin IS NOT NULL;
