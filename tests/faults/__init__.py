"""What goes wrong on real machines, caused for real: a file for each kind of fault."""
