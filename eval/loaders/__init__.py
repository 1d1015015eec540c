"""Official benchmark files, and a user's own questions, to BEIR layout: ``python -m eval convert``.

One file a format; `formats` names them all. A loader turns files into a `Conversion` and writes nothing; `writing` writes
one whole or not at all.
"""
