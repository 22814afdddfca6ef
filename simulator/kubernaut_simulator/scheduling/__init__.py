"""Who carries out work that was cut into partitions: this process, threads, processes, or a Dask cluster.

A scheduler maps a function over partitions and streams the results in their order. It knows nothing of histories,
policies or estimates; what a partition is and how results are merged is `replay.partitioned`.
"""
