"""Golden cases: one exchange per directory, `<who speaks so>/<what is special>/`, as it goes over the wire.

    request.json        the body of POST /v1/responses
    chat_request.json   what goes upstream
    chunks.sse          what comes back; or completion.json, a whole answer
    events.sse          what the client of a streamed request reads
    response.json       the response at its end, which GET answers
    notes.json          what was not done exactly as asked, if anything

The first two or three of them are written, the others accepted: `python -m tests.wire.accept` writes them from the
code, and whoever runs it reads them. Cases without an answer are about the request alone. A directory named by a number
is a turn that continues the one before it. All of it was written for this project from the known ways of providers;
none of it was recorded. `case.py` plays a case, `tests/translators/test_wire.py` checks all of them.
"""
