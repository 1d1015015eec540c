"""``python -m eval crossval``: what the default retriever's constants are worth on sets that they were not chosen on."""
