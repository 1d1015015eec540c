"""The memory, served: REST, MCP, a page, and who may do what."""
