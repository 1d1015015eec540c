"""The graph as arrays: personalized PageRank and synonymy. Opens no file, knows no text."""
