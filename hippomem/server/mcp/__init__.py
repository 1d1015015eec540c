"""The MCP server: the memory as tools and resources for a model, over stdio or streamable HTTP.

::

    reach        whose memory a call is about: namespace and user, from the command line or from an API key
    arguments    what a tool takes, as types that are also the schemas that a model reads
    tools        what a tool does: one call of `hippomem.memory.Memory`, in a thread
    telling      what a model reads of the result; beside it the result itself goes out as structured content
    catalogue    the tools as they are announced, with the texts in `descriptions/`
    failures     which errors a model can mend, and what the others become
    server       the protocol: calls in threads, progress, resources
    stdio, http  the transports

Needs the `mcp` package: ``pip install "hippomem[mcp]"``.
"""
