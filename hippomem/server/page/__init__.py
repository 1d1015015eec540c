"""The page at ``/``: hand-written HTML, CSS and JavaScript in ``static``, which talk to the REST API like any client."""
