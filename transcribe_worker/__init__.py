"""Takes recordings from the inbox, keeps the queue and turns recordings into transcripts."""
