"""The worker's handling of records: claims, progress, retries, archiving, sweeps."""
