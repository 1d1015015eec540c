"""hippomem in other people's frameworks: one file a framework, each importing that framework only.

| file | what it gives | extra |
|---|---|---|
| `langgraph` | ``HippoStore``, a ``BaseStore`` | ``hippomem[langgraph]`` |
| `langchain` | ``HippoRetriever``, a ``BaseRetriever`` | ``hippomem[langchain]`` |
| `llama_index` | ``HippoRetriever``, a ``BaseRetriever`` | ``hippomem[llama-index]`` |
| `openai_tools` | function tools for chat completions and responses | none |

Each takes a `Memory`, and reaches the namespace of that memory and no other.
"""
