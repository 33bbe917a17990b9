"""What a worker does with one record after another."""
