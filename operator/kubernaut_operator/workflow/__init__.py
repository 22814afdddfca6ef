"""The controller of WorkflowExecutions, and what performs each intent of `kubernaut.workflow`.

A workflow acts only through the KubernetesExecutions of its steps; it judges the step level itself. Start at
`controller.py`.
"""
