"""One KubernetesExecution from `pending` to its result: ``decide(run, status, observations, now)``."""
