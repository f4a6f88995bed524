"""The statements of background runs in a SQL store.

A run is one row beside its response, with the lease of the worker that generates it. A statement that writes for a run
matches it only while that worker has the lease and the run has not ended, so a worker that was declared dead can change
nothing. The events of a streamed run are rows, each with the frames that were written together.
"""

from typing import Any, Final

from adapter.store.base import StoredEvents, StoredRun

_THE_RUN: Final = "id = :response_id AND tenant = :of_tenant"
_ITS_EVENTS: Final = "run = :response_id AND tenant = :of_tenant"
_EXPIRED: Final = "ended IS NOT NULL AND last >= 0 AND ended <= :before"

BEGIN: Final = """
    INSERT INTO runs (id, tenant, holder, until, streamed, last, ended)
    VALUES (:id, :tenant, :holder, :until, :streamed, :last, :ended)
"""
GET_RUN: Final = f"SELECT {', '.join(StoredRun.__struct_fields__)} FROM runs WHERE {_THE_RUN}"
ADVANCE: Final = f"""
    UPDATE runs SET last = :new_last, ended = :new_ended
    WHERE {_THE_RUN} AND ended IS NULL AND holder = :of_holder
"""
ADD_EVENTS: Final = """
    INSERT INTO run_events (tenant, run, first, last, over, frames)
    VALUES (:tenant, :run, :first, :last, :over, :frames)
    ON CONFLICT DO NOTHING
"""
"""Repeating it after a write of unknown outcome stores the events once."""
GET_EVENTS: Final = f"""
    SELECT {", ".join(StoredEvents.__struct_fields__)} FROM run_events
    WHERE {_ITS_EVENTS} AND last > :after ORDER BY first
"""
TAKE: Final = f"""
    UPDATE runs SET holder = :of_holder, until = :new_until
    WHERE {_THE_RUN} AND ended IS NULL AND until <= :expired_by
"""
RENEW: Final = "UPDATE runs SET until = :new_until WHERE ended IS NULL AND holder = :of_holder"
RUNS_OF: Final = "SELECT tenant, id FROM runs WHERE ended IS NULL AND holder = :of_holder"
DELETE_RUN: Final = f"DELETE FROM runs WHERE {_THE_RUN}"
DELETE_EVENTS: Final = f"DELETE FROM run_events WHERE {_ITS_EVENTS}"
DELETE_ENDED_EVENTS: Final = f"""
    DELETE FROM run_events WHERE (tenant, run) IN (SELECT tenant, id FROM runs WHERE {_EXPIRED})
"""
RESET_LAST: Final = f"UPDATE runs SET last = -1 WHERE {_EXPIRED}"


def advance_values(run: StoredRun) -> dict[str, Any]:
    """Return the parameters of ADVANCE."""
    return {
        "response_id": run.id,
        "of_tenant": run.tenant,
        "of_holder": run.holder,
        "new_last": run.last,
        "new_ended": run.ended,
    }
