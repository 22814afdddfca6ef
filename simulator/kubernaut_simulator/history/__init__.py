"""History as columns: found, read strictly, kept as Arrow tables, written again, imported from CSV."""
