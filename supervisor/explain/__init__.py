"""Why a contact has not been called yet: `campaignd explain`.

`reasons.py` and `gates.py` are the rules, without clock, database or files: they ask the product's own Places and
Limiter. `facts.py` reads what they need, with the statements in `sql/`; `explanation.py` puts both together and
`printing.py` shows it. Imported by `supervisor.commands`; imports rules and ledgers of `actors`. Only reads.
"""
