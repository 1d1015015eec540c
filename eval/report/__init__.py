"""Reports of a run: on the terminal, as JSON, and as a document with plots (Markdown and one HTML file)."""
