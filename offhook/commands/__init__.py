"""The commands, a module for each noun; `offhook.cli` lists them all."""
