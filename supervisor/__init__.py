"""The process: command line, configuration, database, HTTP, metrics, the tree of actors, the demo.

Imports `actors`; nothing in `actors` imports this.
"""
