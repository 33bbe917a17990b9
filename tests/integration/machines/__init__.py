"""Several machines that transcribe for one database."""
