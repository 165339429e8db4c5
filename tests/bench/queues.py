"""Other queues on PostgreSQL, doing jobs that do nothing: how many of them a second, at their best settings."""

from __future__ import annotations

import asyncio
from time import perf_counter

from psycopg.conninfo import conninfo_to_dict


def pgqueuer_per_s(dsn: str, jobs: int, batch: int) -> float:
    """pgqueuer with asyncpg, its tables as durable as ours and vacuumed as it recommends, fetching so many at once."""
    return asyncio.run(_pgqueuer(dsn, jobs, batch))


async def _pgqueuer(dsn: str, jobs: int, batch: int) -> float:
    import asyncpg
    from pgqueuer import Job, Queries, QueueManager
    from pgqueuer.types import QueueExecutionMode

    connection = await asyncpg.connect(**_asyncpg(dsn))
    queries = Queries.from_asyncpg_connection(connection)
    await queries.install()
    await queries.optimize_autovacuum()
    manager = QueueManager(queries)
    done = 0

    @manager.entrypoint("nothing")
    async def nothing(job: Job) -> None:
        nonlocal done
        done += 1

    for before in range(0, jobs, 10_000):
        count = min(jobs - before, 10_000)
        await queries.enqueue(["nothing"] * count, [None] * count, [0] * count)
    await connection.execute("VACUUM ANALYZE")
    began = perf_counter()
    await manager.run(batch_size=batch, mode=QueueExecutionMode.drain)
    took_s = perf_counter() - began
    await connection.close()
    assert done >= jobs, f"{done} of {jobs} jobs done"
    return done / took_s


def procrastinate_per_s(dsn: str, jobs: int, concurrency: int) -> float:
    """procrastinate with psycopg's pool, so many jobs at a time, the done ones kept as ours are."""
    return asyncio.run(_procrastinate(dsn, jobs, concurrency))


async def _procrastinate(dsn: str, jobs: int, concurrency: int) -> float:
    from procrastinate import App, PsycopgConnector

    app = App(connector=PsycopgConnector(conninfo=dsn, max_size=10))
    done = 0

    @app.task(name="nothing")
    async def nothing() -> None:
        nonlocal done
        done += 1

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await nothing.batch_defer_async(*({} for _ in range(jobs)))
        began = perf_counter()
        await app.run_worker_async(wait=False, concurrency=concurrency, install_signal_handlers=False)
        took_s = perf_counter() - began
    assert done == jobs, f"{done} of {jobs} jobs done"
    return jobs / took_s


def _asyncpg(dsn: str) -> dict[str, object]:
    given = conninfo_to_dict(dsn)
    return {
        "host": given["host"],
        "port": int(given.get("port", 5432)),
        "user": given["user"],
        "database": given["dbname"],
    }
