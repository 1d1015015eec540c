"""A store of any size, made of generated text: what indexing, opening, asking, adding and forgetting cost."""
