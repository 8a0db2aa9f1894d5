//! Clusters for tests, in one process and of real processes.
