"""The pages of the mismatch desk: the most doubtful rows, second entries, samples of recorded rows."""
