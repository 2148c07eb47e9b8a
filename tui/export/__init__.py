"""Ways out of a record, and into one."""
