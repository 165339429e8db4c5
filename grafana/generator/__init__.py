"""Makes the dashboards of `grafana/dashboards`: `python -m grafana.generator`. For development alone: the service
imports nothing of it, and it nothing of the service. What it makes is committed; the same source makes the same bytes.
"""
