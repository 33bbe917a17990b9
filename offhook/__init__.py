"""What a person uses: the command line, and the read models and actions behind it."""
