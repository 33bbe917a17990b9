"""The contract between offhook's processes: settings, database, records, errors."""
