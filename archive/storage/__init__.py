"""Recordings by key: in a folder that several machines share, or in an S3-compatible storage."""
