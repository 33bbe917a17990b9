"""What becomes of a call: its files in the library, its transcript, exports, deletion and backups."""
