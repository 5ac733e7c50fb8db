"""Jobs: how they are taken up, told about, cancelled, tried again, and go on after a crash."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import OperationalError, connection
from django.utils import timezone
from django_q.models import OrmQ

from contacts.models import Contact
from crm import jobs, tasks
from crm.jobs import life, running
from crm.models import Job
from crm.pace import Pace
from tests.crm.counting import KIND, counting
from tests.segments.processes import database_url, eventually, pipe

State = Job.State


@pytest.fixture
def steps() -> list[int]:
    """The steps that were begun."""
    return []


@pytest.fixture
def during(steps: list[int]) -> dict[int, Callable[[], object]]:
    """What happens during a step."""
    return {}


@pytest.fixture(autouse=True)
def kind(steps: list[int], during: dict[int, Callable[[], object]], monkeypatch: pytest.MonkeyPatch) -> None:
    def pause(step: int) -> None:
        steps.append(step)
        during.get(step, lambda: None)()

    monkeypatch.setitem(jobs.KINDS._members, KIND, jobs.Kind(KIND, counting(pause), "Counting", cancellable=True))
    monkeypatch.setattr(life, "BEAT", 0.05)


@pytest.fixture
def start(db: None, now: datetime) -> Callable[..., Job]:
    def start(total: int = 3, **options: Any) -> Job:
        return jobs.start(KIND, title="Count", params={"total": total}, now=now, **options)

    return start


def current(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def lines(job: Job) -> list[str]:
    return [line.text for line in job.lines.all()]


# Doing


def test_a_job_is_done(start):
    job = start()
    assert (job.state, job.attempts, job.is_over) == (State.QUEUED, 0, False)
    jobs.run_job(job.pk)
    job = current(job)
    assert (job.state, job.attempts, job.is_over, job.percent) == (State.DONE, 1, True, 100)
    assert (job.done, job.total, job.message, job.error) == (3, 3, "3 counted", "")
    assert job.started_at
    assert job.finished_at
    assert Contact.objects.count() == 3


def test_what_is_over_or_gone_is_not_done_again(start, steps):
    job = start()
    jobs.run_job(job.pk)
    jobs.run_job(job.pk)
    assert steps == [0, 1, 2]
    job.delete()
    jobs.run_job(job.pk)


def test_a_failure_is_kept_and_raised(start, during):
    during[1] = lambda: 1 / 0
    job = start()
    with pytest.raises(ZeroDivisionError):
        jobs.run_job(job.pk)
    job = current(job)
    assert (job.state, job.error, job.done, job.is_over) == (State.FAILED, "division by zero", 1, True)
    assert job.finished_at


def test_a_job_that_runs_is_not_begun_by_another_worker(start, during, steps):
    job = start()
    during[1] = lambda: jobs.run_job(job.pk)
    jobs.run_job(job.pk)
    assert steps == [0, 1, 2]
    assert current(job).attempts == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_gets_the_job(start, during):
    job = start(total=1)
    ready = threading.Barrier(4)
    claimed: list[Job | None] = []

    def claim() -> None:
        ready.wait()
        claimed.append(running._claim(job.pk, now=timezone.now()))
        connection.close()

    workers = [threading.Thread(target=claim) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len([found for found in claimed if found]) == 1
    assert current(job).attempts == 1


def test_one_process_stays_free_for_short_tasks(start, during, monkeypatch, now):
    monkeypatch.setitem(settings.Q_CLUSTER, "workers", 3)
    first, second, third = start(total=1), start(total=2), start(total=3)

    def also_do_the_others() -> None:
        running._claim(second.pk, now=now)
        jobs.run_job(third.pk)
        assert (current(third).state, current(third).queued_at) == (State.QUEUED, None)

    during[0] = also_do_the_others
    jobs.run_job(first.pk)
    assert current(third).queued_at is not None  # handed out again, because the first is over
    jobs.run_job(third.pk)
    assert current(third).state == State.DONE


def test_the_queue_lets_a_job_run_for_hours(start, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        job = start()
    [task] = OrmQ.objects.all()
    assert (task.name(), task.task["timeout"]) == (f"job-{job.pk}", -1)


# Telling


def test_progress_tells_the_speed(start, monkeypatch):
    moments = iter([10.0, 12.0, 14.0, 200.0, 201.0, 202.0])
    monkeypatch.setattr("crm.pace.perf_counter", lambda: next(moments))
    pace = Pace()
    assert [pace.after(done, 1000) for done in (100, 300, 500, 500)] == [None, 100.0, 100.0, 0.0]
    assert pace.after(0, 1000) is None
    assert pace.after(5, 20) is None


def test_the_time_that_is_left():
    job = Job(state=State.RUNNING, done=250, total=1000, speed=7.5)
    assert job.seconds_left == 100
    assert [Job(done=0, total=9, speed=1).seconds_left, Job(state="running", total=9).seconds_left] == [None, None]


def test_the_log_of_a_job(start):
    job = start()
    jobs.log(job, "1,000 read")
    jobs.log(job, "1,000 written")
    assert lines(job) == ["1,000 read", "1,000 written"]


# Cancelling


def test_a_queued_job_is_cancelled_at_once(start, steps, marketer, now):
    job = start()
    jobs.cancel(job, user=marketer, now=now)
    assert (job.state, job.finished_at, job.is_over) == (State.CANCELLED, now, True)
    jobs.run_job(job.pk)
    assert steps == []
    assert lines(job) == ["Cancelled by marketer"]


def test_a_running_job_stops_between_two_steps(start, during, steps, now):
    job = start()
    during[1] = lambda: [jobs.cancel(current(job), user=None, now=now) for _ in range(2)]
    jobs.run_job(job.pk)
    job = current(job)
    assert (job.state, job.done, steps, job.is_being_cancelled) == (State.CANCELLED, 2, [0, 1], False)
    assert lines(job) == ["Cancelled"]
    assert Contact.objects.count() == 2


def test_a_job_that_was_about_to_wait_for_its_next_stretch_is_cancelled(start, monkeypatch, now):
    def stop(job: Job, *, now: datetime) -> None:
        jobs.cancel(job, user=None, now=now)
        raise jobs.Unfinished

    job = start()
    monkeypatch.setitem(jobs.KINDS._members, KIND, jobs.Kind(KIND, stop, "Counting", cancellable=True))
    jobs.run_job(job.pk)
    assert current(job).state == State.CANCELLED


def test_an_unfinished_job_goes_on(start, during, steps):
    job = start()

    def stop() -> None:
        del during[1]
        raise jobs.Unfinished

    during[1] = stop
    jobs.run_job(job.pk)
    assert (current(job).state, current(job).attempts) == (State.QUEUED, 0)
    jobs.run_job(job.pk)
    assert (current(job).state, steps) == (State.DONE, [0, 1, 1, 2])


@pytest.mark.parametrize(
    ("state", "changes", "text"),
    [
        (State.DONE, {}, "over already"),
        (State.CANCELLED, {}, "over already"),
        (State.RUNNING, {"cancellable": False}, "cannot be cancelled"),
    ],
)
def test_what_cannot_be_cancelled(start, now, monkeypatch, state, changes, text):
    job = start()
    Job.objects.update(state=state)
    options = {"cancellable": True} | changes
    monkeypatch.setitem(jobs.KINDS._members, KIND, jobs.Kind(KIND, counting(lambda step: None), "Counting", **options))
    with pytest.raises(jobs.NotPossible, match=text):
        jobs.cancel(job, user=None, now=now)
    assert current(job).state == state


# Trying again


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_job_is_tried_again(start, steps, marketer, now, state):
    job = start(user=marketer)
    Contact.objects.create()
    Job.objects.update(state=state, attempts=5, error="no luck", finished_at=now, cancel_requested_at=now)
    again = jobs.retry(job, user=None, now=now)
    assert (again.pk, again.state, again.attempts, again.error) == (job.pk, State.QUEUED, 0, "")
    jobs.run_job(job.pk)
    assert (current(job).state, current(job).user, steps) == (State.DONE, marketer, [1, 2])
    assert lines(job) == ["Tried again"]


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.DONE])
def test_only_what_stopped_is_tried_again(start, now, state):
    job = start()
    Job.objects.update(state=state)
    with pytest.raises(jobs.NotPossible):
        jobs.retry(job, user=None, now=now)
    assert current(job).state == state


def test_a_kind_may_forbid_trying_again(start, now, monkeypatch):
    job = start()
    Job.objects.update(state=State.FAILED)
    monkeypatch.setitem(jobs.KINDS._members, KIND, jobs.Kind(KIND, print, "Counting", retryable=False))
    with pytest.raises(jobs.NotPossible):
        jobs.retry(job, user=None, now=now)


# After a crash


def abandoned(job: Job, **changes: Any) -> Job:
    """The job as a worker left it that died."""
    claimed = running._claim(job.pk, now=timezone.now())
    assert claimed
    Job.objects.filter(pk=job.pk).update(**changes)
    return claimed


def test_a_job_without_a_sign_of_life_is_handed_out_again(start, steps, now):
    job = start()
    abandoned(job)
    assert jobs.sweep(now=now) == 1
    assert (current(job).state, current(job).queued_at) == (State.QUEUED, now)
    jobs.run_job(job.pk)
    assert (current(job).state, current(job).attempts) == (State.DONE, 2)
    assert lines(job) == ["The worker died. The work goes on in another one."]


def test_who_lives_keeps_the_job(start, during, now):
    job = start()
    during[1] = lambda: [cache.clear(), jobs.sweep(now=now)]  # even if the cache forgets who lives
    jobs.run_job(job.pk)
    assert (current(job).state, current(job).attempts, lines(job)) == (State.DONE, 1, [])


class MomentaryFailure:
    """A cache that twice takes nothing once it is asked to fail."""

    def __init__(self) -> None:
        self.failures = 2
        self.is_asked = threading.Event()

    def set(self, *args: object) -> None:
        if self.is_asked.is_set() and self.failures:
            self.failures -= 1
            raise OperationalError("no cache")

    def delete(self, key: str) -> None:
        """Nothing was kept."""


def test_a_cache_that_fails_for_a_moment_does_not_matter(start, during, monkeypatch, caplog):
    failing = MomentaryFailure()
    monkeypatch.setattr(life, "cache", failing)

    def lose_the_cache() -> None:
        failing.is_asked.set()
        eventually(lambda: not failing.failures, "two signs of life fail")

    during[1] = lose_the_cache
    job = start()
    jobs.run_job(job.pk)
    assert current(job).state == State.DONE
    assert caplog.text.count("the cache did not take a sign of life") == 2


def test_who_was_thought_dead_does_nothing_more(start, during, steps, monkeypatch, caplog, now):
    """The job is taken from a living worker: what it was doing does not count, and its end does not end the job."""
    job = start()

    def take_away() -> None:
        del during[1]
        Job.objects.update(state=State.QUEUED, claim=None)

    during[1] = take_away
    jobs.run_job(job.pk)
    assert (current(job).state, current(job).done, steps) == (State.QUEUED, 1, [0, 1])
    assert "goes on elsewhere" in caplog.text
    with pytest.raises(jobs.Lost):
        jobs.progress(abandoned_claim := Job(pk=job.pk, claim="6f1ed002-ab5f-4a4b-8a39-0d2c1a2f1f5e"), 1, 3)
    with pytest.raises(jobs.Lost):
        jobs.hold(abandoned_claim)
    jobs.finish(abandoned_claim, State.DONE, now=now)
    assert current(job).state == State.QUEUED


def test_a_job_that_kills_its_workers_fails_at_last(start, now):
    job = start()
    for _ in range(5):
        abandoned(job)
        jobs.sweep(now=now)
    job = current(job)
    assert (job.state, job.error) == (State.FAILED, "The worker died while doing this, 5 times.")
    assert lines(job).count("The worker died. The work goes on in another one.") == 4


def test_a_job_whose_worker_died_while_it_was_being_cancelled(start, now):
    job = start()
    abandoned(job, cancel_requested_at=now)
    assert jobs.sweep(now=now) == 0
    assert current(job).state == State.CANCELLED


def test_a_job_that_was_running_before_claims_goes_on(start, now):
    job = start()
    Job.objects.update(state=State.RUNNING)
    assert jobs.sweep(now=now) == 1
    assert current(job).state == State.QUEUED


def test_what_the_queue_lost_is_handed_out_again(start, now, django_capture_on_commit_callbacks):
    job = start()
    with django_capture_on_commit_callbacks(execute=True):
        assert jobs.sweep(now=now + timedelta(seconds=89)) == 0
        assert jobs.sweep(now=now + timedelta(seconds=91)) == 1
        assert jobs.sweep(now=now + timedelta(seconds=92)) == 0
    assert [task.name() for task in OrmQ.objects.all()] == [f"job-{job.pk}"]


class Process:
    """A worker in a process of its own, which waits in every step."""

    def __init__(self, job: Job, cache_folder: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crm.job_worker", str(job.pk)],
            env=os.environ | {"DATABASE_URL": database_url(), "CACHE_URL": f"filecache://{cache_folder}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        return pipe(self.process.stdout).readline().strip()

    def goes_on(self) -> None:
        pipe(self.process.stdin).write("\n")
        pipe(self.process.stdin).flush()

    def is_killed(self) -> None:
        self.process.kill()
        self.process.wait()
        pipe(self.process.stdin).close()
        pipe(self.process.stdout).close()


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        process.is_killed()


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker(start, processes, tmp_path, monkeypatch, now):
    """Killed within a step, seen to be dead, and the work goes on in another process: every contact is made once."""
    monkeypatch.setattr(life, "BEAT", 6.0)
    job = start(total=4)
    processes.append(first := Process(job, str(tmp_path)))
    assert first.says() == "step 0"
    first.goes_on()
    assert first.says() == "step 1"
    assert current(job).state == State.RUNNING
    first.is_killed()
    monkeypatch.setattr(life, "BEAT", 0.05)
    assert jobs.sweep(now=now) == 1
    processes.append(second := Process(job, str(tmp_path)))
    for step in (1, 2, 3):
        assert second.says() == f"step {step}"
        second.goes_on()
    assert second.says() == "done"
    assert (current(job).state, current(job).attempts) == (State.DONE, 2)
    assert sorted(Contact.objects.values_list("external_id", flat=True)) == ["C0", "C1", "C2", "C3"]


# Keeping


def test_old_jobs_are_removed(start, now):
    old, young, waiting = start(), start(), start()
    jobs.log(old, "gone")
    Job.objects.filter(pk=old.pk).update(state=State.DONE, finished_at=now - timedelta(days=91))
    Job.objects.filter(pk=young.pk).update(state=State.FAILED, finished_at=now - timedelta(days=89))
    Job.objects.filter(pk=waiting.pk).update(created_at=now - timedelta(days=300))
    assert jobs.remove_old(now=now) == 1
    assert set(Job.objects.all()) == {young, waiting}


def test_the_worker_looks_after_jobs(start):
    job, done = start(), start()
    abandoned(job)
    Job.objects.filter(pk=done.pk).update(state=State.DONE, finished_at=timezone.now() - timedelta(days=100))
    tasks.sweep_jobs()
    tasks.remove_old_jobs()
    assert [(found.pk, found.state) for found in Job.objects.all()] == [(job.pk, State.QUEUED)]


def test_who_may_change_a_job(start, marketer, viewer, administrator):
    job = start(user=marketer)
    assert [jobs.may_be_changed_by(job, user) for user in (marketer, viewer, administrator)] == [True, False, True]
    assert [jobs.may_be_changed_by(start(), user) for user in (marketer, administrator)] == [False, True]
