"""The demo: the real service over its own PostgreSQL and a simulated LiveKit, shown while it runs."""
