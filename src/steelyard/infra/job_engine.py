"""DBOS Transact behind five verbs: it remembers which work is due and hands it to workers.

Work is one workflow without steps that calls back into :mod:`steelyard.infra.job_runner`; what it does
and how far it is stands in our own tables.  An item of work is enqueued in the caller's transaction,
so it exists exactly if the job's row does.

Each process is an executor of its own, with a name never used again: DBOS hands the work of a name
back to whoever starts under it, and two live processes under one name would do it twice.  The work of
a process that is gone is found through its lease (:mod:`steelyard.infra.job_supervisor`) and resumed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import cache

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from steelyard.infra.settings import Settings

_APPLICATION = "steelyard"
_VERSION = "jobs-1"  # of the arguments of _work; workers of two releases share a queue while it stays
_WORKFLOW = "steelyard.work"
_LOGGER = "dbos"

_FORGET_MAX = 2_000

QUEUES = ("work", "errands")
"""Long computations, and short waits on other machines that must not stand in line behind them."""

_perform: Callable[[str, int], None] | None = None


class JobEngine:
    """One process's connection to DBOS; only one per process may work."""

    def __init__(self, settings: Settings, executor_id: str) -> None:
        self._settings = settings
        self._executor_id = executor_id
        self._address = _address(settings.database_url)
        self._dbos: DBOS | None = None
        # Lazy: it only writes through the connections of our callers.
        self._client = DBOSClient(
            system_database_url=self._address,
            serializer=DBOSPortableJSONSerializer(),
            application_name=_APPLICATION,
            lazy=True,
        )

    def enqueue(self, connection: Connection, queue: str, job_id: str, run: int, delay_s: float) -> None:
        """Make run ``run`` of a job due after ``delay_s`` seconds, in the transaction of ``connection``."""
        options: EnqueueOptions = {
            "workflow_name": _WORKFLOW,
            "queue_name": queue,
            "workflow_id": f"{job_id}:{run}",
            "app_version": _VERSION,
        }
        if delay_s > 0:
            options["delay_seconds"] = delay_s
        self._client.enqueue_in_transaction(connection, options, job_id, run)

    def start(self, perform: Callable[[str, int], None]) -> None:
        """Begin to hand due work to ``perform(job_id, run)``, each in a thread of its own."""
        global _perform  # noqa: PLW0603 - DBOS itself is one per process
        if _perform is not None:
            raise RuntimeError("this process has a running job engine already")
        _perform = perform
        quiet()
        self._dbos = DBOS(
            config={
                "name": _APPLICATION,
                "system_database_url": self._address,
                "executor_id": self._executor_id,
                "application_version": _VERSION,
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "WARNING",
                "enable_otlp": False,
                "run_migrations": True,
                # Nobody waits for its notifications, so this costs no query; it is how long a stop may take.
                "notification_listener_polling_interval_sec": 0.1,
                "scheduler_polling_interval_sec": 60.0,
            }
        )
        _register_work()
        self._register_queues()  # before the launch: it looks for new queues but once a second
        DBOS.launch()

    def _register_queues(self) -> None:
        threads = {"work": self._settings.job_threads, "errands": self._settings.job_errands_max}
        for queue in QUEUES:
            self._client.register_queue(
                queue,
                worker_concurrency=threads[queue],
                polling_interval_sec=self._settings.job_poll_ms / 1000,
                on_conflict="always_update",
            )

    def pause(self) -> None:
        """Take no more work; what runs goes on."""
        if self._dbos is not None:
            for thread_should_end in self._dbos.background_thread_stop_events:
                thread_should_end.set()

    def stop(self) -> None:
        """Let go of everything; what still runs is left to run out."""
        global _perform  # noqa: PLW0603
        if self._dbos is not None:
            DBOS.destroy()
            self._dbos = _perform = None
        self._client.destroy()

    def resume_work_of(self, executor_id: str) -> None:
        """Make everything due again that ``executor_id`` had taken and not finished."""
        taken = DBOS.list_workflows(executor_id=executor_id, status="PENDING", load_input=False, load_output=False)
        for workflow in taken:
            DBOS.resume_workflow(workflow.workflow_id, queue_name=workflow.queue_name)

    def forget_ended_work(self, before: datetime) -> int:
        """Remove what DBOS keeps of work that ended before ``before``, some thousand items at most; how many.

        Nobody asks DBOS about it: the job's row has its outcome.
        """
        ended = DBOS.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"],
            completed_before=before.isoformat(),
            limit=_FORGET_MAX,
            load_input=False,
            load_output=False,
        )
        if ended:
            DBOS.delete_workflows([workflow.workflow_id for workflow in ended])
        return len(ended)


def migrate(database_url: str) -> None:
    """Bring DBOS's own tables up to date; safe among concurrent starters."""
    quiet()
    DBOS.migrate(_address(database_url))


def quiet() -> None:
    """Let DBOS speak through our log and only of warnings; it would put a handler of its own on the console."""
    logger = logging.getLogger(_LOGGER)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.WARNING)
    logger.propagate = True


def _address(database_url: str) -> str:
    url = make_url(database_url)  # without the name of an asynchronous driver
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False)


@cache  # DBOS remembers it when it is stopped and started again
def _register_work() -> None:
    DBOS.workflow(name=_WORKFLOW)(_work)


def _work(job_id: str, run: int) -> None:
    if _perform is not None:
        _perform(job_id, run)
