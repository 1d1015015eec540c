-- What changed, for those that keep a picture of the store in memory: rows of passages (kind 1), facts (2) and entities (3) that
-- came, went or now stand in other relations; kind 0: more than is worth listing. Row numbers only, nothing of their content,
-- and only the newest are kept. `hippomem.store.changes` writes it at the end of each transaction.
CREATE TABLE changes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind     INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),
    row      INTEGER NOT NULL,
    -- Tells this change from another with the same number, in a store that was restored from a backup.
    token    INTEGER NOT NULL DEFAULT (random())
);

-- Tells files that were made from this store from those of another of the same name.
INSERT INTO settings VALUES ('store_id', '"' || lower(hex(randomblob(16))) || '"');

-- The turns of one session, in order: a new turn asks for those beside it.
CREATE INDEX sources_by_session ON sources (session_id, position) WHERE session_id IS NOT NULL;
