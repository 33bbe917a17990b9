"""What workstations call beside plain JSON: chunks of recordings, news, and recordings as they are."""
