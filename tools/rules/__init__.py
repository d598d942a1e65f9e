"""Pure rules: values in, values out; no clock, no disk, no processes, no git."""
