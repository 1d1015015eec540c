"""What indexing takes of a machine's memory, by stage and by size of the corpus."""
