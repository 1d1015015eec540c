"""What long work shows of itself while it runs (`Display`), and tells at its end (`report`)."""

from hippomem.cli.display.display import Display

__all__ = ["Display"]
