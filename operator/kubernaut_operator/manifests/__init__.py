"""Everything that is installed in a cluster, built in one place: schemas, accounts, rights, admission, the operator.

Each module makes the objects of one concern as plain values; `install` puts them in order. Nothing here talks to
a cluster. What an action needs comes from the action catalogue, what facts need from the fact registry, the
schemas from the models: a right or a field is never written here a second time.
"""
