"""Pictures for training: from folders to batches."""
