"""The two custom resources as values: spec and status of KubernetesExecution and WorkflowExecution.

One pydantic model each is the source of the schema that the API server checks, of what the operator reads and
of what it writes into status. What a schema cannot say (byte sizes, a type listed twice) is said when the
resource is read (`reading`). Nothing here knows a cluster, and nothing decides.
"""
