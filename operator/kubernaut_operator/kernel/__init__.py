"""What any Kubernetes controller needs, and nothing of remediation.

A controller is *level-triggered*: a watch says only that something about an object changed, and a worker then reads the
object and brings the world nearer to what it wants. Read top to bottom:

- `resources.py`, `api.py`: objects as dicts over the official client, a time limit on every call, errors by what to
  do next;
- `watching.py`: list and watch, for ever; a missed event costs latency, never correctness, for every relist wakes
  everything;
- `work_queue.py`: keys to look at, each worked on by one worker at a time, with client-go's back-off;
- `controller.py`: workers that take keys from the queue and call `reconcile(key) -> Result`;
- `leases.py`, `leadership.py`: one leader of several replicas, by a Lease and the monotonic clock;
- `events.py`: Kubernetes Events, written only when what they say changed;
- `serving.py`: `/healthz`, `/readyz`, `/metrics`;
- `manager.py`: starts all of this, and ends it when the process is asked to.

It must not know actions, conditions or workflows: import-linter holds that line.
"""
