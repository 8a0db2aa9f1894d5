//! A hub backplane: write a hub, run one command, scale it by adding processes.
