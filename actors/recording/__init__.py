"""Recordings: which there will be, fetching them into the store, their transcripts, and their end.

`actor.py` is the actor; `expected.py` what it learns of LiveKit, through `gateway.py` and `egress.py`; `ledger.py` its
SQL, and `transcripts.py` that of transcripts (the longer statements in `sql/`), `overview.py` what people see of it;
`rules.py` when to try again and to give up; `places.py` the names of files; `storage.py` fetches and deletes;
`workers.py` are the threads that wait for it, and `work.py` what they do; `transcription.py` and
`transcriber_process.py` turn audio into text, with `whisper.py` or with another recogniser. Imported by `supervisor`;
other actors import only `messages`.
"""
