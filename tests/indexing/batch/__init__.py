"""Reading through a Batch API."""
