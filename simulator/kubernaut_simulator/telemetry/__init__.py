"""Prometheus as a source: what past facts can be rebuilt, and what the operator's own counters say.

`server` asks, bounded; `scrapes` tells what an exporter showed at an instant; `rebuilt_*` put Kubernetes objects
together from it, of which the engine takes the facts by its own rules (`past_facts`). `checking` says what a
Prometheus can do, `remembering` turns past runs into history, `counters` and `figures` read the operator's own figures.
"""
