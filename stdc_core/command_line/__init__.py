"""The ``stdc_seg`` command: one module a subcommand."""
