"""What every face of Backprose shows, as plain functions of the log: words, a trace, evidence, progress."""
