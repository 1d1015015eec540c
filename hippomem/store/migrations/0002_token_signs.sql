-- The signs of a passage's token vectors, one bit a dimension (late interaction, for coverage): token after token, whole bytes.
-- NULL when the model shows no tokens, and in passages that were embedded before this column was there.
ALTER TABLE passages ADD COLUMN token_signs BLOB;
