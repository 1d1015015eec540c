-- What an agent's memory needs beside the index: times as numbers, expiry, versions, claims, and keys of the server.

-- Seconds since 1970, UTC, of occurred_at (a day counts from its start, a time without zone as UTC), and from when on a memory is
-- forgotten. NULL: no time was given; it never expires.
ALTER TABLE memories ADD COLUMN happened REAL;
ALTER TABLE memories ADD COLUMN expires REAL;
UPDATE memories SET happened = moment(occurred_at) WHERE occurred_at IS NOT NULL;
CREATE INDEX memories_expiring ON memories (namespace_key, expires) WHERE expires IS NOT NULL;

-- When a memory was last handed in from this place, in seconds since 1970. No two documents of a store have the same: what has
-- no time of its own is as new as that.
ALTER TABLE sources ADD COLUMN recorded REAL NOT NULL DEFAULT 0;
UPDATE sources SET recorded = 1e-6 * (source_key % 1000000)
    + (SELECT moment(recorded_at) FROM memories WHERE memories.memory_key = sources.memory_key);
CREATE INDEX sources_by_time ON sources (recorded);
CREATE INDEX sources_by_user ON sources (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX sources_by_agent ON sources (agent_id) WHERE agent_id IS NOT NULL;

-- What a memory said before it was updated, oldest first.
CREATE TABLE versions (
    memory_key  INTEGER NOT NULL REFERENCES memories ON DELETE CASCADE,
    version     INTEGER NOT NULL,
    title       TEXT NOT NULL,
    text        TEXT NOT NULL,
    occurred_at TEXT,
    recorded_at TEXT NOT NULL,
    replaced_at TEXT NOT NULL,
    PRIMARY KEY (memory_key, version)
) WITHOUT ROWID;

-- Single-valued statements that a passage makes (`hippomem.text.claims`), as hashes of the slot ("anna · residence") and of the
-- value ("rome"), and the fact that states it. Another memory that fills the slot otherwise, later, says that this is no longer so.
CREATE TABLE claims (
    passage_key   INTEGER NOT NULL REFERENCES passages ON DELETE CASCADE,
    slot          INTEGER NOT NULL,
    value         INTEGER NOT NULL,
    fact_key      INTEGER NOT NULL,
    namespace_key INTEGER NOT NULL REFERENCES namespaces,
    PRIMARY KEY (passage_key, slot, value, fact_key)
) WITHOUT ROWID;
CREATE INDEX claims_by_slot ON claims (namespace_key, slot);

-- Which memory was said to take the place of which.
CREATE TABLE supersedes (
    memory_key INTEGER NOT NULL REFERENCES memories ON DELETE CASCADE,
    older_key  INTEGER NOT NULL REFERENCES memories ON DELETE CASCADE,
    PRIMARY KEY (memory_key, older_key)
) WITHOUT ROWID;
CREATE INDEX supersedes_by_older ON supersedes (older_key);

-- Keys of the server (`hippomem keys`). hash: SHA-256 of the key, which is 256 random bits and stored nowhere.
-- rights: read, write or admin, each with those before it.    namespaces: JSON list, or null for all.
CREATE TABLE api_keys (
    key_id     TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    rights     TEXT NOT NULL CHECK (rights IN ('read', 'write', 'admin')),
    namespaces TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT
) WITHOUT ROWID;
