"""What a person does with recordings, as pages and commands share it."""
