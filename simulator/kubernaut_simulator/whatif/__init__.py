"""What if: other flags, times and percentages, decided anew from stored attempts without running any policy."""
