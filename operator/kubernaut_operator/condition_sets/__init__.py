"""What the three ConfigMaps say, kept in force: condition sets of both levels, safety policies, custom facts.

`sets` holds what is in force and reloads it, `compiling` and `evaluator` hold the policy worker, `known_sets` what
pinned runs still need. What a key or a setting means is decided in `kubernaut.conditions` and `kubernaut.safety`.
"""
