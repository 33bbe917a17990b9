"""Who said which words: pure functions from words and what is known besides to labels."""
