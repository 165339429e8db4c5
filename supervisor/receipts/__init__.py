"""Receipts: what a provider charged for calls, read from its file; it takes the place of our estimates, which are made
as calls end (`actors.prices`). Imported by `supervisor.commands`.
"""
