"""The action catalogue: what each action is, what it is told, what it acts on; one folder an action."""
