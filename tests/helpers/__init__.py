"""What tests share: strategies, drivers, loaders; strictly typed, unlike the tests themselves."""
