-- Vectors are float16, little-endian, from here on: half the file, and cosines that differ by about 1e-4.
-- The connection lends the two functions (`hippomem.store.vectors.lend`).
UPDATE passages SET vector = half_precision(vector) WHERE vector IS NOT NULL;
UPDATE facts SET vector = half_precision(vector) WHERE vector IS NOT NULL;

-- signs: 768 random projections of a name's vector, one bit each: what near names are looked for with, without reading vectors.
-- NULL for a vector of zeros: a name that the model cannot read.
-- signed: a number from the namespace's counter, given when signs are stored and never again: a process that has read all
-- signs up to a number knows which ones are new to it.
ALTER TABLE entities ADD COLUMN signs BLOB;
ALTER TABLE entities ADD COLUMN signed INTEGER;
ALTER TABLE namespaces ADD COLUMN signed INTEGER NOT NULL DEFAULT 0;
-- linked: the next run makes the synonym lists anew, from the rounded vectors; until then the old ones stand.
UPDATE entities SET vector = half_precision(vector), signs = projected(vector), signed = entity_key,
        linked = 0
    WHERE vector IS NOT NULL;
UPDATE entities SET signed = NULL WHERE signs IS NULL;
UPDATE namespaces SET signed =
    coalesce((SELECT max(signed) FROM entities WHERE entities.namespace_key = namespaces.namespace_key), 0);
CREATE INDEX entities_signed ON entities (namespace_key, signed, signs) WHERE signed IS NOT NULL;
