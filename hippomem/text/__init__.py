"""Text in any script: folding, tokens, sentences, mentions, the gazetteer, content ids. No I/O, no models."""
