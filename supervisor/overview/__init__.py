"""What is going on now, on one page: the same for a terminal (`campaignd status --watch`) and a browser (`GET /`).

`overview.py` says what there is to see, `reading.py` reads it from PostgreSQL (its statements are in `sql/`);
`screen.py` shows it on a terminal, `watch.py` again and again; `page.py` makes a page of it, with `charts.py` and the
template `page.html`. Imported by commands and `supervisor.http`; asks no actor.
"""
