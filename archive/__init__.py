"""Everything after transcription: the library, exports, deletion, retention and backups."""
