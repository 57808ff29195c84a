"""Pictures and pages for training: from folders, fonts and texts to batches of crops."""
