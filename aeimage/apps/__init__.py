"""What people do with the models: one module a use, each on single files and on folders."""
