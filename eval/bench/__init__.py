"""``python -m eval bench``: where the time goes, and ratios to public libraries measured in the same run."""
