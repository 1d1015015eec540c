"""Engine "ray": workers of a Ray cluster (extra ``ray``) embed, read sentences and ask the LLM; this process writes."""
