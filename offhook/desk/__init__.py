"""Read models and actions that the commands and the pages share."""
