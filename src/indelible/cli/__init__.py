"""The command line: reads projections, calls the runtime, and never looks into a store."""
