"""Result objects: one value, shown as DataFrame, chart, text, JSON and HTML."""
