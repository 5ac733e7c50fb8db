"""A process of its own that does one job: ``python -m tests.crm.job_worker JOB``.

The job's kind counts contacts in: with each step it makes one, and then waits for a line, so that a test can kill it
wherever it wants.
"""

import os
import sys

import django


def main(job_id: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    django.setup()
    from crm import jobs
    from tests.crm.counting import KIND, counting

    jobs.KINDS.add(jobs.Kind(KIND, counting(pause), "Counting", cancellable=True))
    jobs.run_job(int(job_id))
    print("done", flush=True)


def pause(step: int) -> None:
    print(f"step {step}", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
