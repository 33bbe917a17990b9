"""What a person asks for and does: read models and actions that the commands and the pages share."""
